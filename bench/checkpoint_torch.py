"""The work of bench/checkpoint.ts with PyTorch: one command a line on stdin, its seconds on stdout.

load PATH    torch.load(weights_only=True)['model'] and load_state_dict into a module of the same names and shapes
save PATH    torch.save of the module's state dict
sync PATH    the same, then fsync: on disk when it returns
peak         resident memory at its highest, in MiB, instead of seconds
"""

import os
import resource
import sys
import time

import torch


def module_of(state):
    """A module that holds `state`: submodules by the dots in the names."""
    root = torch.nn.Module()
    for name, value in state.items():
        *path, last = name.split(".")
        at = root
        for part in path:
            if part not in at._modules:
                at.add_module(part, torch.nn.Module())
            at = at._modules[part]
        if value.is_floating_point():
            at.register_parameter(last, torch.nn.Parameter(torch.zeros_like(value)))
        else:
            at.register_buffer(last, torch.zeros_like(value))
    return root


def save(module, path, sync):
    with open(path, "wb") as file:
        torch.save({"model": module.state_dict()}, file)
        if sync:
            file.flush()
            os.fsync(file.fileno())


module = None
print(torch.__version__, flush=True)
for line in sys.stdin:
    command, _, path = line.strip().partition(" ")
    if command == "peak":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
        continue
    if module is None:
        module = module_of(torch.load(path, weights_only=True)["model"])
    began = time.perf_counter()
    if command == "load":
        module.load_state_dict(torch.load(path, weights_only=True)["model"])
    else:
        save(module, path, command == "sync")
    print(time.perf_counter() - began, flush=True)
