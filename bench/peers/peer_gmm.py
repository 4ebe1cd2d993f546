"""Cases gmm2d and gmm64: fixed-step samplers with an exact GMM denoiser.

Peers: numpy; torch (own lean code); k-diffusion (imported from the source
tree in KDIFFUSION_SRC, if set). All get the same denoiser arithmetic.
"""
import peer_common as pc  # first: pins the thread counts
import importlib
import math
import os
import sys
import types

import numpy as np
import torch

torch.set_num_threads(pc.THREADS)
torch.set_grad_enabled(False)


def load_kdiffusion():
    src = pc.use_source("KDIFFUSION_SRC")
    if src is None:
        pc.note("KDIFFUSION_SRC unset: k-diffusion not timed")
        return None
    pc.use_source("TORCHDIFFEQ_SRC")
    # Only the solvers are needed; stand-ins for imports that the solvers
    # timed here never call.
    for name, attrs in (("torchdiffeq", ["odeint"]), ("torchsde", ["BrownianTree"]), ("safetensors", [])):
        try:
            importlib.import_module(name)
        except ImportError:
            m = types.ModuleType(name)
            for a in attrs:
                setattr(m, a, None)
            sys.modules[name] = m
    pkg = types.ModuleType("k_diffusion")
    pkg.__path__ = [os.path.join(src, "k_diffusion")]
    sys.modules["k_diffusion"] = pkg
    try:
        return importlib.import_module("k_diffusion.sampling")
    except Exception as e:  # a missing dependency: report, go on
        pc.note("k-diffusion did not import: %r" % e)
        return None


def torch_denoiser(t, dtype, tensor_sigma):
    mu = torch.tensor(t.mu, dtype=dtype)
    mu_t = mu.T.contiguous()
    half = 0.5 * (mu * mu).sum(1)
    s2 = t.std ** 2
    if tensor_sigma:  # k-diffusion hands over a per-sample sigma tensor

        def den(x, sigma):
            g = (sigma * sigma)[:, None]
            v = g + s2
            w = torch.softmax((x @ mu_t - half) / v, 1)
            return (s2 * x + g * (w @ mu)) / v

        return den

    def den(x, sigma):
        v = s2 + sigma * sigma
        w = torch.addmm(half, x, mu_t, beta=-1 / v, alpha=1 / v)
        w = torch.softmax(w, 1)
        return torch.addmm(x, w, mu, beta=s2 / v, alpha=sigma * sigma / v)

    return den


def t_heun(den, x, sig):
    for i in range(len(sig) - 1):
        s, u = sig[i], sig[i + 1]
        d = (x - den(x, s)).mul_(1 / s)
        if u == 0:
            x = x.add(d, alpha=u - s)
        else:
            y = x.add(d, alpha=u - s)
            d.add_((y - den(y, u)).mul_(1 / u))
            x = x.add(d, alpha=(u - s) / 2)
    return x


def t_euler(den, x, sig):
    for i in range(len(sig) - 1):
        s, u = sig[i], sig[i + 1]
        x = torch.lerp(den(x, s), x, u / s)
    return x


def t_em(den, x, sig):
    for i in range(len(sig) - 1):
        s, u = sig[i], sig[i + 1]
        g = s * s - u * u
        x = torch.lerp(x, den(x, s), g / (s * s))
        if u > 0:
            x.add_(torch.randn_like(x), alpha=math.sqrt(g))
    return x


def t_dpmpp2m(den, x, sig):
    old = None
    for i in range(len(sig) - 1):
        s, u = sig[i], sig[i + 1]
        dn = den(x, s)
        if u == 0:
            x = dn
        else:
            h = math.log(s / u)
            c = -math.expm1(-h)
            if old is None:
                x = (x * (u / s)).add_(dn, alpha=c)
            else:
                q = h / (2 * math.log(sig[i - 1] / s))
                x = (x * (u / s)).add_(dn, alpha=c * (1 + q)).add_(old, alpha=-c * q)
        old = dn
    return x


KD = None


def label_of(case, name, m, n):
    """A run of fewer points is a case of its own."""
    return "%s/%s" % (case, name) + ("" if m == n else "-%dk" % (m // 1000))


FULL = os.environ.get("PEER_FULL") == "1"


def wanted(case, peer, tag, name):
    """The quick suite's selection; PEER_FULL=1 runs every combination."""
    if FULL:
        return True
    if pc.THREADS == 1:
        return name == "heun18" and case != "gmm2d-grid25"
    if case == "gmm2d-ring8":
        if name == "em500":
            return not (peer == "k-diffusion" and tag == "f64")
        return not (name == "euler100" and peer == "k-diffusion" and tag == "f64")
    if name == "heun18":
        return not (peer == "k-diffusion" and tag == "f64")
    if name == "dpmpp2m20":
        return tag == "f32" or peer == "numpy"
    return peer == "torch" and tag == "f32" and case == "gmm64"


def run(case, t, n, n_em):
    x0 = pc.init_noise(n, t.d)
    x0e = x0[:n_em]
    plan = [("heun18", 18, n), ("euler100", 100, n), ("dpmpp2m20", 20, n), ("em500", 500, n_em)]
    if case == "gmm2d-ring8" and not FULL and pc.THREADS > 1:
        # one row at the full n, to show how the short ones scale
        den, x = torch_denoiser(t, torch.float32, False), torch.tensor(x0, dtype=torch.float32)
        sig = [float(v) for v in pc.karras(500)]
        torch.manual_seed(3)
        med, ts, out = pc.bench(lambda: t_em(den, x, sig), warmup=0)
        pc.emit(case + "/em500", "torch-f32", med, ts, n=n, **pc.gmm_quality(t, out.numpy()))

    for dt, tdt in ((np.float32, torch.float32), (np.float64, torch.float64)):
        tag = "f32" if dt is np.float32 else "f64"
        # numpy
        den = pc.np_denoiser(t, dt)
        if tag == "f64":
            for name, steps, m in plan:
                sig = pc.karras(steps)
                x = (x0 if m == n else x0e).astype(dt)
                if not wanted(case, "numpy", tag, name):
                    continue
                if name == "em500":
                    f = lambda: pc.np_em(den, x, sig, np.random.default_rng(3))
                else:
                    fn = {"heun18": pc.np_heun, "euler100": pc.np_euler, "dpmpp2m20": pc.np_dpmpp2m}[name]
                    f = lambda: fn(den, x, sig)
                med, ts, out = pc.bench(f, warmup=1 if name == "heun18" else 0)
                pc.emit(label_of(case, name, m, n), "numpy-" + tag, med, ts, n=m,
                        **pc.gmm_quality(t, out, None if name == "em500" else x0))
        # torch, own
        den_s = torch_denoiser(t, tdt, False)
        den_k = torch_denoiser(t, tdt, True)
        xt, xe = torch.tensor(x0, dtype=tdt), torch.tensor(x0e, dtype=tdt)
        for name, steps, m in plan:
            if not wanted(case, "torch", tag, name):
                continue
            sig = [float(v) for v in pc.karras(steps)]
            x = xt if m == n else xe
            fn = {"heun18": t_heun, "euler100": t_euler, "dpmpp2m20": t_dpmpp2m, "em500": t_em}[name]
            torch.manual_seed(3)
            med, ts, out = pc.bench(lambda: fn(den_s, x, sig), warmup=1 if name != "em500" else 0)
            pc.emit(label_of(case, name, m, n), "torch-" + tag, med, ts, n=m,
                    **pc.gmm_quality(t, out.numpy(), None if name == "em500" else x0))
        if KD is None:
            continue
        for name, steps, m in plan:
            if not wanted(case, "k-diffusion", tag, name):
                continue
            x = xt if m == n else xe
            sig = torch.tensor(pc.karras(steps), dtype=tdt)
            fn, label = {"heun18": (KD.sample_heun, ""), "euler100": (KD.sample_euler, ""),
                         "dpmpp2m20": (KD.sample_dpmpp_2m, ""),
                         "em500": (KD.sample_euler_ancestral, "-ancestral")}[name]
            torch.manual_seed(3)
            med, ts, out = pc.bench(lambda: fn(den_k, x, sig, disable=True), warmup=1 if name != "em500" else 0)
            pc.emit(label_of(case, name, m, n), "k-diffusion%s-%s" % (label, tag), med, ts, n=m,
                    **pc.gmm_quality(t, out.numpy(), None if name == "em500" else x0))


if __name__ == "__main__":
    KD = load_kdiffusion()
    which = sys.argv[1:] or ["ring8", "grid25", "gmm64"]
    # 500-step runs use fewer samples by default to keep the suite short;
    # PEER_FULL=1 runs them at the full n. The n of each row is printed.
    if "ring8" in which:
        run("gmm2d-ring8", pc.ring8(), 100000, 100000 if FULL else 10000)
    if "grid25" in which:
        run("gmm2d-grid25", pc.grid25(), 100000, 100000 if FULL else 10000)
    if "gmm64" in which:
        run("gmm64", pc.gmm64(), 20000, 20000 if FULL else 2000)
