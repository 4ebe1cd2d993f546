"""Case normals: a million standard normals, in seconds each."""
import peer_common as pc
import numpy as np
import torch

torch.set_num_threads(pc.THREADS)


def main():
    n = 1000000
    rng = np.random.default_rng(1)
    for dt, tag in ((np.float64, "f64"), (np.float32, "f32")):
        out = np.empty(n, dt)
        med, ts, _ = pc.bench(lambda: rng.standard_normal(out=out, dtype=dt))
        pc.emit("normals", "numpy-" + tag, med / n, [v / n for v in ts])
    for dt, tag in ((torch.float64, "f64"), (torch.float32, "f32")):
        med, ts, _ = pc.bench(lambda: torch.randn(n, dtype=dt))
        pc.emit("normals", "torch-" + tag, med / n, [v / n for v in ts])


if __name__ == "__main__":
    main()
