"""The forward pass of BEiT (arXiv 2106.08254, release form) in plain PyTorch, from the names of a checkpoint.

Usage: beit_forward.py CHECKPOINT INPUTS OUTPUT. INPUTS holds `pixels` (B, 3, H, W) and `mask` (B, N), OUTPUT
gets `logits` (masked, V). Everything is read by torch.load(weights_only=True).
"""
import sys

import torch
from torch.nn.functional import conv2d, gelu, layer_norm, linear


def forward(state, pixels, mask):
    patch_size = state["patch_embed.proj.weight"].shape[-1]
    width = state["cls_token"].shape[-1]
    x = conv2d(pixels, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=patch_size)
    x = x.flatten(2).transpose(1, 2)  # (B, D, h, w) -> (B, N, D)
    x = torch.where(mask[..., None], state["mask_token"], x)
    x = torch.cat([state["cls_token"].expand(len(x), -1, -1), x], dim=1)
    if "pos_embed" in state:
        x = x + state["pos_embed"]

    def norm(x, name):
        return layer_norm(x, (width,), state[name + ".weight"], state[name + ".bias"], 1e-6)

    def bias_of(name):
        table = state.get(name + "relative_position_bias_table")
        return None if table is None else table[state[name + "relative_position_index"]].permute(2, 0, 1)

    shared = bias_of("rel_pos_bias.")
    depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
    for block in (f"blocks.{i}." for i in range(depth)):
        own = bias_of(block + "attn.")
        bias = sum((b for b in (shared, own) if b is not None), torch.zeros(1))
        # The table has a column for each head.
        heads = bias.shape[0]
        y = norm(x, block + "norm1")
        q_bias = state[block + "attn.q_bias"]
        qkv_bias = torch.cat([q_bias, torch.zeros_like(q_bias), state[block + "attn.v_bias"]])
        qkv = linear(y, state[block + "attn.qkv.weight"], qkv_bias)
        q, k, v = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)  # (3, B, H, N, hd)
        attention = (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1) + bias).softmax(-1)
        y = (attention @ v).transpose(1, 2).flatten(2)
        x = x + state.get(block + "gamma_1", 1) * linear(
            y, state[block + "attn.proj.weight"], state[block + "attn.proj.bias"]
        )
        y = gelu(linear(norm(x, block + "norm2"), state[block + "mlp.fc1.weight"], state[block + "mlp.fc1.bias"]))
        x = x + state.get(block + "gamma_2", 1) * linear(
            y, state[block + "mlp.fc2.weight"], state[block + "mlp.fc2.bias"]
        )
    return linear(norm(x, "norm")[:, 1:][mask], state["lm_head.weight"], state["lm_head.bias"])


checkpoint, inputs, output = sys.argv[1:]
state = torch.load(checkpoint, map_location="cpu", weights_only=True)
state = state.get("model", state)
batch = torch.load(inputs, weights_only=True)
with torch.no_grad():
    torch.save({"logits": forward(state, batch["pixels"], batch["mask"])}, output)
