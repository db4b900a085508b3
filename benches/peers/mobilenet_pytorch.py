"""MobileNetV2 in PyTorch, run eagerly, in either memory layout. The layers are those of Keras' network."""

import torch
from torch import nn

from workloads import CLASSES, LEARNING_RATE, MOMENTUM, split

# Expansion, channels, blocks, stride.
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def use_threads(threads):
    torch.set_num_threads(threads)


def of_eight(channels):
    """The nearest multiple of eight, not more than a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def unit(inputs, outputs, kernel=1, stride=1, groups=1, relu=True):
    padding = kernel // 2
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return layers + [nn.ReLU6(inplace=True)] if relu else layers


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        expand = unit(inputs, hidden) if expansion > 1 else []
        depthwise = unit(hidden, hidden, 3, stride, hidden)
        self.layers = nn.Sequential(*expand, *depthwise, *unit(hidden, outputs, relu=False))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


def mobilenet(width, channels):
    inputs = of_eight(32 * width)
    layers = unit(channels, inputs, 3, 2)
    for expansion, outputs, blocks, stride in STAGES:
        outputs = of_eight(outputs * width)
        for block in range(blocks):
            layers.append(Block(inputs, outputs, stride if block == 0 else 1, expansion))
            inputs = outputs
    layers += unit(inputs, 1280) + [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, CLASSES)]
    return nn.Sequential(*layers)


def build(task, memory_format):
    """A function that does the task once and waits for its result."""
    workload, kind = split(task)
    network = mobilenet(workload.width, workload.channels).to(memory_format=memory_format)
    pictures = torch.randn(workload.batch, workload.channels, workload.side, workload.side)
    pictures = pictures.to(memory_format=memory_format)
    labels = torch.arange(workload.batch) % CLASSES
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, MOMENTUM, nesterov=True)
    loss_of = nn.CrossEntropyLoss()

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(network(pictures), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def inference():
        with torch.inference_mode():
            return network(pictures)

    network.train(kind == "train")
    return train if kind == "train" else inference
