"""Case denoiser: one evaluation of a mixture's posterior mean at sigma = 1, in seconds a point."""
import peer_common as pc
import numpy as np
import torch
from peer_gmm import torch_denoiser

torch.set_num_threads(pc.THREADS)
torch.set_grad_enabled(False)


def main():
    for t in (pc.ring8(), pc.grid25(), pc.gmm64()):
        rng = np.random.default_rng(1)
        # small batches stay in cache, large ones use threads: the better of both counts
        for n in (1024, 16384):
            x = t.sample(n, rng) + rng.standard_normal((n, t.d))
            k = max(1, 100000 // n)
            for dt, tdt, tag in ((np.float64, torch.float64, "f64"), (np.float32, torch.float32, "f32")):
                den, y = pc.np_denoiser(t, dt), x.astype(dt)
                med, ts, _ = pc.bench(lambda: [den(y, 1.0) for _ in range(k)])
                pc.emit("denoiser/" + t.name, "numpy-%s/%d" % (tag, n), med / (n * k), [v / (n * k) for v in ts])
                den, y = torch_denoiser(t, tdt, False), torch.tensor(x, dtype=tdt)
                med, ts, _ = pc.bench(lambda: [den(y, 1.0) for _ in range(k)])
                pc.emit("denoiser/" + t.name, "torch-%s/%d" % (tag, n), med / (n * k), [v / (n * k) for v in ts])


if __name__ == "__main__":
    main()
