#!/usr/bin/env python3
"""Cuts a full set of golden vectors down to what the repository keeps (3 MB).

usage: tests/gen/trim_golden.py FULL OUT

Kept is at least one instance of every kind of check: both models (B only as GGUF),
three GGUF files, every forward rule, one case with double-precision gradients, one with
rounded ones, one AdamW run with final parameters, the checkpoint layout, the frozen part
of the real model, a fifth of the tokenizer lines. Tensors are copied byte for byte.
trimmed.json says that the set is not whole; tests that need more skip.
"""
import json
import pathlib
import shutil
import struct
import sys

FORWARD_DROPPED = {"w128_tail", "w16_full", "w16_head", "w16_eps"}
GGUF_KEPT = {"A": {"A-Q8_0.gguf"}, "B": {"B-Q4_K_M.gguf", "B1-Q2_K.gguf"}}
GRADIENTS_KEPT = ("ntp_one.grad64.", "sft_two.grad64as32.")
FINAL_KEPT = "run.clip.final."
TOKENIZER_STEP = 5
SIZE_LIMIT = 3 << 20


def read_tensors(path):
    """Name -> (dtype, shape, bytes), in file order, and the metadata."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], data[8 + length + begin:8 + length + end])
    return tensors, metadata


def write_tensors(path, tensors, metadata):
    header, offset = ({"__metadata__": metadata} if metadata else {}), 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t[2] for t in tensors.values()))


def filter_tensors(full, out, name, keep):
    tensors, metadata = read_tensors(full / name)
    write_tensors(out / name, {k: v for k, v in tensors.items() if keep(k)}, metadata)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def copy(full, out, *names):
    for name in names:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(full / name, out / name)


def trim_frozen(full, out, letter):
    kept = GGUF_KEPT[letter]
    index = json.loads((full / f"frozen{letter}.json").read_text())
    index["files"] = {k: v for k, v in index["files"].items() if k in kept}
    whole = letter == "A"
    if not whole:
        index["sequences"] = []
    write_json(out / f"frozen{letter}.json", index)
    stems = tuple(f"q.{name.removesuffix('.gguf')}." for name in kept)
    filter_tensors(full, out, f"frozen{letter}.safetensors",
                   lambda k: k == "q.ids" or k.startswith(stems) or (whole and k.startswith("s")))
    model = f"model{letter}"
    copy(full, out, *(f"{model}/{name}" for name in kept),
         *(f"{model}/{name}" for name in ("config.json", "tokenizer.json", "tokenizer_config.json",
                                          "tokenizer_fixture.jsonl")))
    if whole:
        copy(full, out, f"{model}/model.safetensors")


def trim_forward(full, out):
    index = json.loads((full / "forward.json").read_text())
    index["cases"] = {k: v for k, v in index["cases"].items() if k not in FORWARD_DROPPED}
    write_json(out / "forward.json", index)
    copy(full, out, "compressorA.safetensors", "forward/topk.safetensors",
         *(f"forward/{name}.safetensors" for name in index["cases"]))


def keep_training(name):
    if ".grad" in name:
        return name.startswith(GRADIENTS_KEPT)
    return ".final." not in name or name.startswith(FINAL_KEPT)


def trim_tokenizer(full, out):
    lines = (full / "tokenizer_smollm.jsonl").read_bytes().split(b"\n")
    (out / "tokenizer_smollm.jsonl").write_bytes(b"\n".join(lines[::TOKENIZER_STEP]).rstrip() + b"\n")
    copy(full, out, "tokenizer_smollm_disagree.jsonl")


def remove_old(out):
    for path in sorted(out.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path.name != "README.md":
            path.unlink()


def main():
    full, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if (full / "trimmed.json").exists():
        sys.exit(f"{full} is a trimmed set itself")
    out.mkdir(parents=True, exist_ok=True)
    remove_old(out)
    for letter in "AB":
        trim_frozen(full, out, letter)
    trim_forward(full, out)
    copy(full, out, "train.json", "smol.json", "refckpt_keys.json", "refckpt_expect.safetensors",
         "refckpt/config.json", "refckpt/model.safetensors")
    filter_tensors(full, out, "train.safetensors", keep_training)
    filter_tensors(full, out, "smol.safetensors", lambda k: not k.startswith("c."))
    trim_tokenizer(full, out)
    write_json(out / "trimmed.json", {"dropped": sorted(
        str(path.relative_to(full)) for path in full.rglob("*")
        if path.is_file() and not (out / path.relative_to(full)).exists()
        and path.name != "README.md")})
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size:,} bytes")
    if size > SIZE_LIMIT:
        sys.exit(f"more than {SIZE_LIMIT:,} bytes")


if __name__ == "__main__":
    main()
