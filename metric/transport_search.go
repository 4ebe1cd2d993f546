package metric

import "math"

// A flow is mass, in units, that goes from a source to the target which keeps it.
type flow struct {
	from  int32
	units int64
	c     float64
}

// A search is a primal-dual state of a transportation problem and the work space of
// the search for shortest augmenting paths. Sources that send mass to a target have
// it among their targets of least c - v.
type search struct {
	*shortlist
	supply, demand []int64  // not yet sent, not yet received
	flows          [][]flow // by target

	round            int32
	reached, settled []int32   // targets: the round in which they were
	scanned          []int32   // sources: likewise
	dist             []float64 // targets: distance from the root
	via              []int32   // targets: the source before it
	viaCost          []float64 // targets: the cost of the arc from there
	parent           []int32   // sources: the target before it, -1 for the root
	base             []float64 // sources: distance - (c - v) of an arc that carries mass
	order            []int32   // settled targets
	heap             []node
	bound            float64 // distance of the nearest target with demand
}

// A node of the heap is a target j, as id j, or a source i that is to be read densely
// at this distance, as id m + i.
type node struct {
	key float64
	id  int32
}

func newSearch(s *shortlist, supply, demand []int64) *search {
	n, m := len(supply), len(demand)
	return &search{
		shortlist: s, supply: supply, demand: demand, flows: make([][]flow, m),
		reached: make([]int32, m), settled: make([]int32, m), scanned: make([]int32, n),
		dist: make([]float64, m), via: make([]int32, m), viaCost: make([]float64, m),
		parent: make([]int32, n), base: make([]float64, n),
	}
}

// augment sends mass from a source along a shortest path in the residual network to a
// target with demand (Dijkstra on reduced costs; Jonker and Volgenant 1987, Computing
// 38, 325; Ahuja, Magnanti and Orlin 1993, Network Flows, section 9.7).
func (s *search) augment(root int) {
	s.round++
	s.heap, s.order = s.heap[:0], s.order[:0]
	s.bound = math.Inf(1)
	s.scan(int32(root), -1, 0, math.Inf(-1))
	m := int32(len(s.v))
	var end int32
	for {
		nd := s.pop()
		if nd.id >= m {
			s.scanDense(nd.id-m, nd.key)
			continue
		}
		j := nd.id
		if s.settled[j] == s.round {
			continue // an older, larger key
		}
		s.settled[j] = s.round
		s.order = append(s.order, j)
		if s.demand[j] > 0 {
			end = j
			break
		}
		for _, f := range s.flows[j] {
			if s.scanned[f.from] != s.round {
				s.scan(f.from, j, s.dist[j]-(f.c-s.v[j]), s.dist[j])
			}
		}
	}
	last := s.dist[end]
	for _, j := range s.order {
		s.v[j] += s.dist[j] - last
	}
	s.push(int32(root), end)
}

// scan reaches the targets on the list of source i, which lies at distance at.
func (s *search) scan(i, parent int32, base, at float64) {
	s.scanned[i], s.parent[i], s.base[i] = s.round, parent, base
	for h, j := range s.to[i] {
		c := s.c[i][h]
		s.reach(i, j, c, c-s.v[j]+base, at)
	}
	if f := max(s.floor[i]+base, at); f < s.bound {
		s.add(node{f, int32(len(s.v)) + i})
	}
}

// scanDense reaches all targets from source i.
func (s *search) scanDense(i int32, at float64) {
	s.read(int(i))
	for j, c := range s.row {
		if d := c - s.v[j] + s.base[i]; d < s.bound {
			s.reach(i, int32(j), c, d, at)
		}
	}
}

// reach notes a path of length d to target j by source i. Rounding must not let it
// be shorter than what the search has passed.
func (s *search) reach(i, j int32, c, d, at float64) {
	d = max(d, at)
	if d >= s.bound || s.settled[j] == s.round || s.reached[j] == s.round && d >= s.dist[j] {
		return
	}
	s.reached[j], s.dist[j], s.via[j], s.viaCost[j] = s.round, d, i, c
	if s.demand[j] > 0 {
		s.bound = d
	}
	s.add(node{d, j})
}

// push moves as much mass as the path from root to the target end can take.
func (s *search) push(root, end int32) {
	units := min(s.supply[root], s.demand[end])
	for i := s.via[end]; i != root; {
		j := s.parent[i]
		units = min(units, s.flows[j][s.find(j, i)].units)
		i = s.via[j]
	}
	s.supply[root] -= units
	s.demand[end] -= units
	for j := end; ; {
		i := s.via[j]
		if h := s.find(j, i); h >= 0 {
			s.flows[j][h].units += units
		} else {
			s.flows[j] = append(s.flows[j], flow{i, units, s.viaCost[j]})
		}
		if i == root {
			return
		}
		j = s.parent[i]
		f, h := s.flows[j], s.find(j, i)
		if f[h].units -= units; f[h].units == 0 {
			f[h] = f[len(f)-1]
			s.flows[j] = f[:len(f)-1]
		}
	}
}

// find returns the place of the flow from source i among those of target j, or -1.
func (s *search) find(j, i int32) int {
	for h, f := range s.flows[j] {
		if f.from == i {
			return h
		}
	}
	return -1
}

// before orders nodes by key; ties go by id, so that the order is one only.
func (a node) before(b node) bool { return a.key < b.key || a.key == b.key && a.id < b.id }

func (s *search) add(nd node) {
	s.heap = append(s.heap, nd)
	h := len(s.heap) - 1
	for h > 0 {
		p := (h - 1) / 2
		if !nd.before(s.heap[p]) {
			break
		}
		s.heap[h] = s.heap[p]
		h = p
	}
	s.heap[h] = nd
}

func (s *search) pop() node {
	top := s.heap[0]
	last := len(s.heap) - 1
	nd := s.heap[last]
	s.heap = s.heap[:last]
	if last == 0 {
		return top
	}
	h := 0
	for {
		c := 2*h + 1
		if c >= last {
			break
		}
		if c+1 < last && s.heap[c+1].before(s.heap[c]) {
			c++
		}
		if !s.heap[c].before(nd) {
			break
		}
		s.heap[h] = s.heap[c]
		h = c
	}
	s.heap[h] = nd
	return top
}
