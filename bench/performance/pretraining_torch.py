"""The work of bench/pretraining.ts with PyTorch: BEiT of transformers, the DALL-E encoder in plain PyTorch.

The first line of stdin is a JSON object:
    model      folder of transformers' BeitForMaskedImageModeling
    tokenizer  safetensors file of the DALL-E encoder, names of the original (encoder.blocks.input.w, ...)
    inputs     safetensors file: pixels (B, 3, H, W) float32, token_pixels (B, 3, h, w) float32, mask (B, N) bool
    device     "cpu" or "cuda"
    precision  "fp32", "bf16" (autocast of the model; the tokenizer is float32 as in the original) or
               "bf16-all" (autocast of both)
    compile    whether both go through torch.compile
    attention  "sdpa" or "eager"
    dropPath, learningRate, weightDecay, clipGradient, seed, threads
Then a command a line; the answer is one JSON object a line:
    step       one training step: {"seconds", "loss"}
    parts      one more, with each part timed: {"tokenizer", "forward", "backward", "optimizer"} in seconds
    tokens     {"tokens": [...]} of all patches
    peak       {"resident": MiB at its highest, "device": MiB at its highest}
"""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file
from torch import nn


class Conv(nn.Conv2d):
    def __init__(self, inputs, outputs, kernel):
        super().__init__(inputs, outputs, kernel, padding=(kernel - 1) // 2)


class Block(nn.Module):
    """dall_e/encoder.py: id_path(x) + post_gain * res_path(x)."""

    def __init__(self, inputs, outputs, post_gain):
        super().__init__()
        hidden = outputs // 4
        self.post_gain = post_gain
        self.id_path = Conv(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.res_path = nn.Sequential(
            *(nn.ReLU(), Conv(inputs, hidden, 3)),
            *(nn.ReLU(), Conv(hidden, hidden, 3)),
            *(nn.ReLU(), Conv(hidden, hidden, 3)),
            *(nn.ReLU(), Conv(hidden, outputs, 1)),
        )

    def forward(self, x):
        return self.id_path(x) + self.post_gain * self.res_path(x)


class DalleEncoder(nn.Module):
    def __init__(self, state):
        super().__init__()
        hidden, vocabulary = state["input.w"].shape[0], state["output.conv.w"].shape[0]
        blocks = 1 + max(int(name.split(".")[1][len("block_") :]) for name in state if name.startswith("group_1.")) - 1
        self.input = Conv(3, hidden, 7)
        self.groups = nn.ModuleList()
        width = hidden
        for group in range(4):
            layers = []
            for _ in range(blocks):
                layers.append(Block(width, hidden << group, 1 / (4 * blocks) ** 2))
                width = hidden << group
            self.groups.append(nn.Sequential(*layers))
        self.output = Conv(width, vocabulary, 1)
        self.load(state)

    def load(self, state):
        """The original's names: w, b, group_G.block_B.res_path.conv_C."""
        own = {}
        for name in self.state_dict():
            path = name.split(".")
            if path[0] == "groups":
                _, group, block, part, *rest = path
                conv = [f"conv_{(int(rest[0]) + 1) // 2}"] if part == "res_path" else []
                path = [f"group_{int(group) + 1}", f"block_{int(block) + 1}", part, *conv, path[-1]]
            elif path[0] == "output":
                path = ["output", "conv", path[-1]]
            own[name] = state[".".join(path[:-1] + [path[-1][0]])]
        self.load_state_dict(own)

    def forward(self, pixels):
        x = self.input(pixels * 0.8 + 0.1)
        for i, group in enumerate(self.groups):
            x = group(x if i == 0 else F.max_pool2d(x, 2))
        return self.output(F.relu(x)).argmax(1)


class Peer:
    def __init__(self, settings):
        torch.manual_seed(settings["seed"])
        if settings.get("threads"):
            torch.set_num_threads(settings["threads"])
        self.settings = settings
        self.device = torch.device(settings["device"])
        self.inputs = {k: v.to(self.device) for k, v in load_file(settings["inputs"]).items()}
        state = load_file(settings["tokenizer"])
        prefix = "encoder.blocks."
        self.tokenizer = DalleEncoder({k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)})
        self.tokenizer.eval().requires_grad_(False).to(self.device)
        self.model = transformers.BeitForMaskedImageModeling.from_pretrained(
            settings["model"], attn_implementation=settings["attention"], drop_path_rate=settings["dropPath"]
        )
        self.model.train().to(self.device)
        decay = [p for n, p in self.model.named_parameters() if p.ndim > 1 and "cls_token" not in n]
        kept = {id(p) for p in decay}
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decay, "weight_decay": settings["weightDecay"]},
                {"params": [p for p in self.model.parameters() if id(p) not in kept], "weight_decay": 0.0},
            ],
            lr=settings["learningRate"],
            fused=True,
        )
        self.encode, self.logits = self.tokenizer, self.masked_logits
        if settings["compile"]:
            self.encode, self.logits = torch.compile(self.encode), torch.compile(self.logits)

    def autocast(self, enabled):
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)

    def masked_logits(self, pixels, mask, rows):
        """Of the masked patches only, as the original computes them; transformers' own forward does all."""
        hidden = self.model.beit(pixels, bool_masked_pos=mask).last_hidden_state
        hidden = self.model.layernorm(hidden)[:, 1:]
        return self.model.lm_head(hidden.reshape(-1, hidden.shape[-1]).index_select(0, rows))

    def tokens(self):
        with torch.no_grad(), self.autocast(self.settings["precision"] == "bf16-all"):
            return self.encode(self.inputs["token_pixels"]).flatten(1)

    def step(self, clock=lambda name: None):
        pixels, mask = self.inputs["pixels"], self.inputs["mask"]
        rows = mask.flatten().nonzero().squeeze(1)
        labels = self.tokens().flatten().index_select(0, rows)
        clock("tokenizer")
        with self.autocast(self.settings["precision"] != "fp32"):
            logits = self.logits(pixels, mask, rows)
        loss = F.cross_entropy(logits.float(), labels)
        clock("forward")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clock("backward")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings["clipGradient"])
        self.optimizer.step()
        clock("optimizer")
        return loss.item()

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def answer(self, command):
        if command == "step":
            began = time.perf_counter()
            loss = self.step()
            self.synchronize()
            return {"seconds": time.perf_counter() - began, "loss": loss}
        if command == "parts":
            parts, last = {}, time.perf_counter()

            def clock(name):
                nonlocal last
                self.synchronize()
                now = time.perf_counter()
                parts[name], last = now - last, now

            self.step(clock)
            return parts
        if command == "tokens":
            return {"tokens": self.tokens().flatten().tolist()}
        if command == "peak":
            device = torch.cuda.max_memory_allocated() / 2**20 if self.device.type == "cuda" else 0
            return {"resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "device": device}
        raise ValueError(f"unknown command {command!r}")


peer = Peer(json.loads(sys.stdin.readline()))
print(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__}), flush=True)
for line in sys.stdin:
    print(json.dumps(peer.answer(line.strip())), flush=True)
