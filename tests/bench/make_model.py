#!/usr/bin/env python3
"""A Llama of a given shape with random weights, as a GGUF file: for timing models that
nobody has to download. Times do not depend on what the weights are.

    tests/bench/make_model.py FILE.gguf [--shape 1b|135m] [--type bf16|q4_k]
    comprexit bench -m FILE.gguf --precision mixed --repeat 1
"""
import argparse
import os
import struct

# hidden, layers, heads, key/value heads, feed-forward, vocabulary, as published
SHAPES = {"1b": (2048, 16, 32, 8, 8192, 128256), "135m": (576, 30, 9, 3, 1536, 49152)}
HEAD, ALIGNMENT, CHUNK = 64, 32, 1 << 22
U32, F32, STRING, ARRAY, I32 = 4, 6, 8, 9, 5
# code in the file, values and bytes of a block
TYPES = {"f32": (0, 1, 4), "bf16": (30, 1, 2), "q4_k": (12, 256, 144)}


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def key(name, kind, value):
    form = {U32: "<I", F32: "<f"}
    data = string(value) if kind == STRING else struct.pack(form[kind], value)
    return string(name) + struct.pack("<I", kind) + data


def array(name, element, values):
    data = b"".join(string(v) if element == STRING else struct.pack("<i", v) for v in values)
    return string(name) + struct.pack("<IIQ", ARRAY, element, len(values)) + data


def byte_tokens():
    """One for each byte, as byte-level vocabularies write them."""
    plain = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


def keys(shape):
    hidden, layers, heads, kv, ffn, vocab = shape
    tokens = byte_tokens() + [f"<{i}>" for i in range(256, vocab - 1)] + ["<end>"]
    return [key("general.architecture", STRING, "llama"), key("general.name", STRING, "random"),
            key("llama.context_length", U32, 131072), key("llama.embedding_length", U32, hidden),
            key("llama.block_count", U32, layers), key("llama.feed_forward_length", U32, ffn),
            key("llama.attention.head_count", U32, heads),
            key("llama.attention.head_count_kv", U32, kv),
            key("llama.rope.dimension_count", U32, HEAD),
            key("llama.rope.freq_base", F32, 500000.0),
            key("llama.attention.layer_norm_rms_epsilon", F32, 1e-5),
            key("tokenizer.ggml.model", STRING, "gpt2"), key("tokenizer.ggml.pre", STRING, "gpt-2"),
            array("tokenizer.ggml.tokens", STRING, tokens),
            array("tokenizer.ggml.token_type", I32, [1] * (vocab - 1) + [3]),
            array("tokenizer.ggml.merges", STRING, []),
            key("tokenizer.ggml.eos_token_id", U32, vocab - 1)]


def tensors(shape, kind):
    """(name, type, dimensions with the innermost first); the output is the embedding."""
    hidden, layers, heads, kv, ffn, vocab = shape
    found = [("token_embd", kind, (hidden, vocab)), ("output_norm", "f32", (hidden,))]
    for i in range(layers):
        found += [(f"blk.{i}.{name}", where, dims) for name, where, dims in (
            ("attn_norm", "f32", (hidden,)), ("ffn_norm", "f32", (hidden,)),
            ("attn_q", kind, (hidden, heads * HEAD)), ("attn_k", kind, (hidden, kv * HEAD)),
            ("attn_v", kind, (hidden, kv * HEAD)), ("attn_output", kind, (heads * HEAD, hidden)),
            ("ffn_gate", kind, (hidden, ffn)), ("ffn_up", kind, (hidden, ffn)),
            ("ffn_down", kind, (ffn, hidden)))]
    return found


def size_of(kind, dims):
    values = 1
    for d in dims:
        values *= d
    _, block, size = TYPES[kind]
    return values // block * size


def bf16_values(count):
    """Of either sign, of size 2^-7 to 2^-5."""
    signs = bytes(0x3c | (i & 0x80) for i in range(256))
    data = bytearray(2 * count)
    data[0::2] = os.urandom(count)
    data[1::2] = os.urandom(count).translate(signs)
    return bytes(data)


def q4_k_blocks(count):
    """Random but for the two scales of each, with which values are about as large."""
    scales = struct.pack("<ee", 1.4e-4, 1e-3)
    return b"".join(scales + os.urandom(140) for _ in range(count))


def write_tensor(file, kind, dims, random):
    """One stretch of random values, over and over."""
    left = size_of(kind, dims)
    if kind == "f32":
        file.write(struct.pack("<f", 1.0) * (left // 4))
        return
    while left:
        file.write(random[:left])
        left -= min(left, len(random))


def write_model(path, shape, kind):
    _, _, size = TYPES[kind]
    random = bf16_values(CHUNK // size) if kind == "bf16" else q4_k_blocks(CHUNK // size)
    entries, listed = keys(shape), tensors(shape, kind)
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(entries)))
        file.write(b"".join(entries))
        offset = 0
        for name, where, dims in listed:
            file.write(string(name + ".weight") + struct.pack("<I", len(dims)))
            file.write(struct.pack(f"<{len(dims)}Q", *dims))
            file.write(struct.pack("<IQ", TYPES[where][0], offset))
            offset += -(-size_of(where, dims) // ALIGNMENT) * ALIGNMENT
        for _, where, dims in listed:
            file.write(bytes(-file.tell() % ALIGNMENT))
            write_tensor(file, where, dims, random)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--shape", choices=SHAPES, default="1b")
    parser.add_argument("--type", choices=("bf16", "q4_k"), default="q4_k")
    options = parser.parse_args()
    write_model(options.file, SHAPES[options.shape], options.type)


if __name__ == "__main__":
    main()
