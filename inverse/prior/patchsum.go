package prior

// patches writes R(y), or its derivative along v, to run.sum. The choices of the first chunks
// are kept in kept with R, and are those of kept with the derivative.
func (d *Patches) patches(run *patchRun, s float64, derivative bool, kept []choice) {
	if d.Dim() <= serialSize {
		for i := range d.bands {
			d.sumBand(run, i, s, derivative, kept)
		}
		d.fold(run, 0, d.rows)
		return
	}
	group(len(d.bands), 1, func(i, _ int) { d.sumBand(run, i, s, derivative, kept) })
	group(d.rows, bandRows, func(lo, hi int) { d.fold(run, lo, hi) })
}

// sumBand forms the sum of a band's patches in its part of the buffer.
func (d *Patches) sumBand(run *patchRun, at int, s float64, derivative bool, kept []choice) {
	b, bd := d.c.b, &d.bands[at]
	kept = kept[min(bd.chunk, len(kept)):]
	out := run.buffer[bd.at : bd.at+bd.height*d.cols]
	clear(out)
	w := d.c.pool.Get().(*patchWork)
	w.l = d.c.levels.get(d.c, s)
	across := len(d.col.start)
	scale := float64(d.row.stride*d.col.stride) / float64(b*b)
	for lo := 0; lo < (bd.hi-bd.lo)*across; lo += chunk {
		n := min(chunk, (bd.hi-bd.lo)*across-lo)
		number := lo / chunk
		if derivative && number < len(kept) {
			w.choice = kept[number]
		} else {
			d.cut(w.z, run.y, bd, lo, n)
			w.choose(n)
		}
		if derivative {
			d.cut(w.v, run.v, bd, lo, n)
			w.derivative(n)
		} else {
			w.mean(n)
			if number < len(kept) {
				kept[number].keep(w, n)
			}
		}
		for i := range n {
			r, c := bd.lo+(lo+i)/across, (lo+i)%across
			weight := scale * d.row.weight[r] * d.col.weight[c]
			show := d.col.shows(d.col.start[c])
			for j := range b {
				line := out[(d.row.start[r]+j-bd.first)*d.cols:][:d.cols]
				for k, v := range w.out[(i*b+j)*b : (i*b+j+1)*b] {
					line[show[k]] += weight * v
				}
			}
		}
	}
	w.choice = choice{} // it may be another's memory
	d.c.levels.put(w.l)
	d.c.pool.Put(w)
}

// cut writes the n patches of a band from number lo on.
func (d *Patches) cut(p, y []float64, bd *band, lo, n int) {
	b, across := d.c.b, len(d.col.start)
	for i := range n {
		r, c := d.row.start[bd.lo+(lo+i)/across], d.col.start[(lo+i)%across]
		show := d.col.shows(c)
		for j, row := range d.row.shows(r) {
			line, dst := y[row*d.cols:(row+1)*d.cols], p[(i*b+j)*b:(i*b+j+1)*b]
			if !d.col.overhangs(c) {
				copy(dst, line[c:])
				continue
			}
			for k, q := range show {
				dst[k] = line[q]
			}
		}
	}
}

// fold adds the bands' rows into the image rows lo..hi-1 that they show.
func (d *Patches) fold(run *patchRun, lo, hi int) {
	for r := lo; r < hi; r++ {
		sum := run.sum[r*d.cols : (r+1)*d.cols]
		clear(sum)
		for i := range d.bands {
			bd := &d.bands[i]
			for _, x := range [3]int{r, -1 - r, 2*d.rows - 1 - r} {
				if h := x - bd.first; h >= 0 && h < bd.height {
					for c, v := range run.buffer[bd.at+h*d.cols:][:d.cols] {
						sum[c] += v
					}
				}
			}
		}
	}
}

// traceBand writes the trace of the patches of a band.
func (d *Patches) traceBand(run *patchRun, at int, s float64) {
	b, bd := d.c.b, &d.bands[at]
	w := d.c.pool.Get().(*patchWork)
	w.l = d.c.levels.get(d.c, s)
	across := len(d.col.start)
	total := 0.0
	for lo := 0; lo < (bd.hi-bd.lo)*across; lo += chunk {
		n := min(chunk, (bd.hi-bd.lo)*across-lo)
		d.cut(w.z, run.y, bd, lo, n)
		w.choose(n)
		w.mean(n)
		for i := range n {
			r, c := bd.lo+(lo+i)/across, (lo+i)%across
			weight := d.row.weight[r] * d.col.weight[c]
			if weight == 1 {
				total += w.trace(i)
				continue
			}
			rs, cs := firsts(d.row.shows(d.row.start[r])), firsts(d.col.shows(d.col.start[c]))
			var to [256]int
			for j := range b * b {
				to[j] = rs[j/b]*b + cs[j%b]
			}
			total += weight * w.foldedTrace(i, to[:b*b])
		}
	}
	d.c.levels.put(w.l)
	d.c.pool.Put(w)
	run.traces[at] = total * float64(d.row.stride*d.col.stride) / float64(b*b)
}

// firsts returns for each place the first one that shows the same pixel.
func firsts(show []int) (f [16]int) {
	for i, p := range show {
		for show[f[i]] != p {
			f[i]++
		}
	}
	return f
}
