"""torch.optim.AdamW over the parameters of a checkpoint, in the groups of the original.

Usage: adamw_steps.py START STEPS END. START holds `model` and, to go on from, `optimizer`; STEPS holds a list
of { lr, weight_decay, gradients: { name: gradient } }; END gets `model`, `optimizer` and `epoch`.
The groups are those of get_parameter_groups in microsoft/unilm, beit/optim_factory.py.
"""
import sys

import torch

start, steps, end = (sys.argv[1], sys.argv[2], sys.argv[3])
checkpoint = torch.load(start, weights_only=True)
model = checkpoint["model"]
parameters = {name: torch.nn.Parameter(value) for name, value in model.items() if value.is_floating_point()}
groups = {}
for name, parameter in parameters.items():
    decayed = not (len(parameter.shape) == 1 or name.endswith(".bias") or name in ("pos_embed", "cls_token"))
    group = groups.setdefault(decayed, {"params": [], "weight_decay": 0.05 if decayed else 0.0, "lr_scale": 1.0})
    group["params"].append(parameter)
optimizer = torch.optim.AdamW(list(groups.values()), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
if "optimizer" in checkpoint:
    optimizer.load_state_dict(checkpoint["optimizer"])
for step in torch.load(steps, weights_only=True)["steps"]:
    for group in optimizer.param_groups:
        group["lr"] = step["lr"] * group["lr_scale"]
        if group["weight_decay"] > 0:
            group["weight_decay"] = step["weight_decay"]
    for name, gradient in step["gradients"].items():
        parameters[name].grad = gradient
    optimizer.step()
model = {name: parameters[name].detach() if name in parameters else value for name, value in model.items()}
torch.save({"model": model, "optimizer": optimizer.state_dict(), "epoch": 0}, end)
