"""Models of transformers and timm for the tests of names.

    python reference_models.py make FOLDER transformers|timm
        random models in FOLDER/FORM: model.safetensors (transformers: by save_pretrained, with config.json),
        state.pth (the state dict as torch.save writes it), io.safetensors (inputs and logits)
    python reference_models.py check FOLDER transformers|timm
        loads FOLDER/FORM/model.safetensors, which the library wrote; prints for each form what was missing and
        unexpected, and how far its logits are from those of io.safetensors
"""

import json
import os
import sys

import torch
from safetensors.torch import load_file, save_file

IMAGE, PATCH, HIDDEN, DEPTH, HEADS, TOKENS, CLASSES = 64, 16, 48, 3, 3, 20, 7

FORMS = {
    "codebook": dict(codebook=True),
    "mim_shared": dict(masked=True, shared=True),
    "mim_paper": dict(masked=True, absolute=True, layer_scale=0.0),
    "cls_mean": dict(per_block=True),
    "cls_token": dict(per_block=True, absolute=True, mean=False),
}


def transformers_model(
    masked=False, shared=False, per_block=False, absolute=False, layer_scale=0.1, mean=True, codebook=False
):
    import transformers

    if codebook:
        return transformers.FlavaImageCodebook(transformers.FlavaImageCodebookConfig(hidden_size=8, vocab_size=TOKENS))
    config = transformers.BeitConfig(
        image_size=IMAGE,
        patch_size=PATCH,
        hidden_size=HIDDEN,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        intermediate_size=4 * HIDDEN,
        vocab_size=TOKENS,
        num_labels=CLASSES,
        layer_norm_eps=1e-6,
        use_mask_token=masked,
        use_shared_relative_position_bias=shared,
        use_relative_position_bias=per_block,
        use_absolute_position_embeddings=absolute,
        layer_scale_init_value=layer_scale,
        use_mean_pooling=mean,
    )
    kind = transformers.BeitForMaskedImageModeling if masked else transformers.BeitForImageClassification
    return kind(config)


def timm_model(masked=False, shared=False, per_block=False, absolute=False, layer_scale=0.1, mean=True):
    import timm.models.beit

    return timm.models.beit.Beit(
        img_size=IMAGE,
        patch_size=PATCH,
        embed_dim=HIDDEN,
        depth=DEPTH,
        num_heads=HEADS,
        num_classes=TOKENS if masked else CLASSES,
        global_pool="" if masked else "avg" if mean else "token",
        init_values=layer_scale or None,
        use_abs_pos_emb=absolute,
        use_rel_pos_bias=per_block,
        use_shared_rel_pos_bias=shared,
    )


BUILD = {"transformers": transformers_model, "timm": timm_model}


@torch.no_grad()
def logits_of(library, form, model, io):
    model.eval()
    if form == "codebook":
        # Its image processor maps the pixels, which this library's tokenizer does itself.
        return model(0.8 * io["pixels"].sigmoid() + 0.1)
    if library == "timm":
        logits = model(io["pixels"])
        return logits[:, 1:] if FORMS[form].get("masked") else logits
    if FORMS[form].get("masked"):
        return model(io["pixels"], bool_masked_pos=io["mask"]).logits
    return model(io["pixels"]).logits


@torch.no_grad()
def make(folder, library, form):
    torch.manual_seed(list(FORMS).index(form))
    model = BUILD[library](**FORMS[form])
    for parameter in model.parameters():
        # Norms, gammas and the tables as well: none of them may stay at 0 or 1.
        parameter.normal_(0, 0.2)
    os.makedirs(folder)
    if library == "transformers":
        model.save_pretrained(folder)
    else:
        save_file(model.state_dict(), f"{folder}/model.safetensors")
    torch.save(model.state_dict(), f"{folder}/state.pth")
    io = {"pixels": torch.randn(2, 3, IMAGE, IMAGE), "mask": torch.rand(2, (IMAGE // PATCH) ** 2) < 0.4}
    save_file({**io, "logits": logits_of(library, form, model, io).contiguous()}, f"{folder}/io.safetensors")


def check(folder, library, form):
    if library == "transformers":
        kind = type(BUILD[library](**FORMS[form]))
        model, info = kind.from_pretrained(folder, output_loading_info=True)
        missing, unexpected = list(info["missing_keys"]), list(info["unexpected_keys"])
    else:
        model = BUILD[library](**FORMS[form])
        missing, unexpected = model.load_state_dict(load_file(f"{folder}/model.safetensors"), strict=False)
    io = load_file(f"{folder}/io.safetensors")
    logits = logits_of(library, form, model, io)
    error = (logits - io["logits"]).abs().max() / io["logits"].abs().max()
    return {"missing": missing, "unexpected": unexpected, "error": error.item()}


if __name__ == "__main__":
    command, root, library = sys.argv[1:]
    forms = [form for form in FORMS if command == "make" or os.path.exists(f"{root}/{form}")]
    if command == "make":
        for form in forms:
            if library == "transformers" or form.startswith("cls"):
                make(f"{root}/{form}", library, form)
    else:
        print(json.dumps({form: check(f"{root}/{form}", library, form) for form in forms}))
