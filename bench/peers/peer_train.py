"""Case train: a step of Adam, forward and backward, on an MLP 34-128-128-128-2 (SiLU), batch 512:
two coordinates and 32 sinusoidal features of the time in, mean squared error."""
import peer_common as pc
import torch

torch.set_num_threads(pc.THREADS)


def main():
    torch.manual_seed(0)
    batch, steps = 512, 20
    freq = torch.exp(torch.linspace(0, 3.4657, 16))
    dims = [34, 128, 128, 128]
    layers = []
    for i, o in zip(dims[:-1], dims[1:]):
        layers += [torch.nn.Linear(i, o), torch.nn.SiLU()]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(128, 2))
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    x, t, target = torch.randn(batch, 2), torch.randn(batch, 1), torch.randn(batch, 2)

    def run():
        for _ in range(steps):
            a = t * freq
            loss = ((net(torch.cat([x, torch.sin(a), torch.cos(a)], 1)) - target) ** 2).sum() / (2 * batch)
            opt.zero_grad()
            loss.backward()
            opt.step()

    med, ts, _ = pc.bench(run)
    pc.emit("train/step", "torch-f32", med / steps, [v / steps for v in ts])


if __name__ == "__main__":
    main()
