"""Random small models, tokenizers and compressors, and the files that hold them.

Weights are float32 values (exact in bfloat16 where asked); GGUF files are written and
dequantised with the `gguf` package, tokenizers made with `tokenizers`.
"""
import hashlib
import json
import struct

import gguf
import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from reference import POOL

DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64", "uint8": "U8"}
SYLLABLES = "ka to mi re sol an ber tin our ea st ck nd oo ry gro va pri ul".split()
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
# Block types whose bytes are drawn at random: where the half-precision scales stand.
RANDOM_BLOCKS = {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
                 "IQ4_NL": (0,)}


# ---- safetensors -------------------------------------------------------------------------

def bf16_bytes(array):
    bits = np.ascontiguousarray(array, dtype="<f4").view("<u4")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def round_bf16(array):
    raw = np.frombuffer(bf16_bytes(array), "<u2").astype("<u4") << 16
    return raw.view("<f4").reshape(array.shape)


def write_tensors(path, tensors, dtypes=None, metadata=None):
    """tensors: name -> numpy array or torch tensor; dtypes: name -> "BF16" or "F16"."""
    header = {"__metadata__": metadata} if metadata else {}
    blobs, offset = [], 0
    for name, value in tensors.items():
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        kind = (dtypes or {}).get(name) or DTYPES[str(array.dtype)]
        if kind == "BF16":
            blob = bf16_bytes(array)
        else:
            blob = np.ascontiguousarray(array, "<f2" if kind == "F16" else None).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


# ---- models ------------------------------------------------------------------------------

def llama_config(hidden, heads, groups, head_dim, layers, ffn, vocab, **more):
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
              "hidden_size": hidden, "num_attention_heads": heads, "num_key_value_heads": groups,
              "head_dim": head_dim, "num_hidden_layers": layers, "intermediate_size": ffn,
              "vocab_size": vocab, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
              "rope_theta": 10000.0, "rope_scaling": None, "tie_word_embeddings": False,
              "attention_bias": False, "mlp_bias": False, "bos_token_id": 0, "eos_token_id": 1}
    return {**config, **more}


def llama_shapes(config):
    H, d = config["hidden_size"], config["head_dim"]
    q, kv, f = config["num_attention_heads"] * d, config["num_key_value_heads"] * d, config[
        "intermediate_size"]
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], H)}
    linears = {"self_attn.q_proj": (q, H), "self_attn.k_proj": (kv, H),
               "self_attn.v_proj": (kv, H), "self_attn.o_proj": (H, q), "mlp.gate_proj": (f, H),
               "mlp.up_proj": (f, H), "mlp.down_proj": (H, f)}
    for block in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{block}."
        shapes[prefix + "input_layernorm.weight"] = (H,)
        shapes[prefix + "post_attention_layernorm.weight"] = (H,)
        for name, shape in linears.items():
            shapes[f"{prefix}{name}.weight"] = shape
            kind = "attention_bias" if name.startswith("self_attn") else "mlp_bias"
            if config[kind]:
                shapes[f"{prefix}{name}.bias"] = shape[:1]
    shapes["model.norm.weight"] = (H,)
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (config["vocab_size"], H)
    return shapes


def llama_weights(config, rng, exact_bf16=False):
    """name -> float32 array"""
    out = {}
    for name, shape in llama_shapes(config).items():
        if name.endswith("norm.weight"):
            value = 1 + 0.15 * rng.standard_normal(shape)
        elif name == "model.embed_tokens.weight":
            tied = config["tie_word_embeddings"]
            value = (1.6 / shape[1] ** 0.5 if tied else 0.7) * rng.standard_normal(shape)
        elif name.endswith(".bias"):
            value = 0.2 * rng.standard_normal(shape)
        else:
            scale = 1.6 if name == "lm_head.weight" else 1.15
            value = scale / shape[1] ** 0.5 * rng.standard_normal(shape)
        value = value.astype("<f4")
        out[name] = round_bf16(value) if exact_bf16 else value
    return out


def doubles(tensors):
    return {k: torch.from_numpy(np.array(v)).double() for k, v in tensors.items()}


def write_directory(path, config, weights, tokenizer, bos, shards=1, dtype=None):
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    names, dtypes = list(weights), {k: dtype for k in weights}
    if shards == 1:
        write_tensors(path / "model.safetensors", weights, dtypes)
    else:
        index = {}
        for i in range(shards):
            file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
            part = {k: weights[k] for k in names[i::shards]}
            write_tensors(path / file, part, dtypes, {"format": "pt"})
            index.update({k: file for k in part})
        (path / "model.safetensors.index.json").write_text(json.dumps(
            {"metadata": {"total_size": 0}, "weight_map": index}))
    tokenizer.save(str(path / "tokenizer.json"))
    (path / "tokenizer_config.json").write_text(json.dumps(
        {"add_bos_token": bos, "bos_token": "<|bos|>" if bos else None, "eos_token": "<|eos|>",
         "tokenizer_class": "PreTrainedTokenizerFast"}))


# ---- tokenizers ----------------------------------------------------------------------------

def sentence(rng, words=12):
    out = ["".join(rng.choice(SYLLABLES, rng.integers(1, 4))) for _ in range(words)]
    return " ".join(out) + str(rng.choice([".", "!", " 12,5", "\n", "'s", "  x"]))


def make_tokenizer(kind, vocab, rng, bos):
    """kind "llama-bpe" or "gpt-2"; bos: is <|bos|> put in front?"""
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind == "llama-bpe"))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind == "gpt-2")
    tokenizer.pre_tokenizer = byte_level if kind == "gpt-2" else pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(LLAMA3), "isolated"), byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=["<|bos|>", "<|eos|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([sentence(rng, 40) for _ in range(200)], trainer)
    assert tokenizer.get_vocab_size() == vocab
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|bos|> $A", pair="<|bos|> $A <|bos|> $B", special_tokens=[("<|bos|>", 0)])
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def write_fixture(path, tokenizer, rng, lines=60):
    with open(path, "w") as out:
        for _ in range(lines):
            text = sentence(rng, rng.integers(1, 9)) + str(rng.choice(["", "<|eos|>", "é春"]))
            out.write(json.dumps({"text": text, "ids": tokenizer.encode(text).ids}) + "\n")


# ---- GGUF ----------------------------------------------------------------------------------

GGUF_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
              "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
              "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
              "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
              "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    if stem.startswith("model.layers."):
        block, inner = stem[len("model.layers."):].split(".", 1)
        return f"blk.{block}.{GGUF_NAMES[inner]}.{kind}"
    return f"{GGUF_NAMES[stem]}.{kind}"


def permute(array, heads, back=False):
    """Rotary halves to neighbours, row by row of each head."""
    rows = array.shape[0] // heads
    split = (heads, rows // 2, 2) if back else (heads, 2, rows // 2)
    return array.reshape(*split, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)


def random_blocks(kind, shape, rng):
    count, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    blocks = rng.integers(0, 256, (shape[0], shape[1] // count, size), dtype=np.uint8)
    spread = 0.5 + rng.random((len(RANDOM_BLOCKS[kind]), *blocks.shape[:2]))
    size = 1.0
    for _ in range(2):  # once to see how large the values are, then right
        for at, scale in zip(RANDOM_BLOCKS[kind], spread):
            halfs = (size * scale).astype("<f2")
            blocks[..., at:at + 2] = halfs.view(np.uint8).reshape(*halfs.shape, 2)
        data = blocks.reshape(shape[0], -1)
        values = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[kind])
        size = 1.15 / shape[1] ** 0.5 / float(values.std())
    return data


def quantise(array, kind, rng):
    """-> (bytes as an array, type, values they stand for)"""
    kind = "F32" if array.ndim == 1 else kind
    if kind != "F32" and array.shape[1] % gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]][0]:
        kind = "Q8_0" if array.shape[1] % 32 == 0 else "F16"
    type_ = gguf.GGMLQuantizationType[kind]
    if kind in RANDOM_BLOCKS:
        data = random_blocks(kind, array.shape, rng)
    else:
        data = gguf.quants.quantize(np.ascontiguousarray(array), type_)
    return data, type_, gguf.quants.dequantize(data, type_).reshape(array.shape)


def gguf_keys(writer, config, layers, tokenizer, kind, bos):
    writer.add_block_count(layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    scaling = config["rope_scaling"]
    if scaling and scaling["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(scaling["factor"])
    names = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(kind)
    writer.add_token_list([name for name, _ in names])
    writer.add_token_types([3 if i < 2 else 1 for i in range(len(names))])
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    if bos:
        writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(bos)
    writer.add_add_eos_token(False)


def write_gguf(path, config, weights, kinds, tokenizer, pre, bos, rng, layers=None, freqs=None):
    """kinds: one block type for all matrices, or a function of the GGUF name.

    -> (weights that the file stands for, under Hugging Face names; facts for the JSON)
    """
    layers = layers or config["num_hidden_layers"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("twin")
    gguf_keys(writer, config, layers, tokenizer, pre, bos)
    if freqs is not None:
        writer.add_tensor("rope_freqs.weight", freqs.astype("<f4"))
    meaning, facts = {}, {}
    for name, array in weights.items():
        if name.startswith("model.layers.") and int(name.split(".")[2]) >= layers:
            continue
        rows = {"q_proj": config["num_attention_heads"],
                "k_proj": config["num_key_value_heads"]}.get(name.split(".")[-2])
        stored = permute(array, rows) if rows else array
        target = gguf_name(name)
        data, type_, values = quantise(stored, kinds(target) if callable(kinds) else kinds, rng)
        writer.add_tensor(target, data, raw_dtype=type_)
        meaning[name] = permute(values, rows, back=True) if rows else values
        facts[target] = (type_.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return meaning, facts


def tensor_fact(kind, values):
    values = np.ascontiguousarray(values, "<f4")
    return {"type": kind, "shape": list(values.shape),
            "sha256_f32le": hashlib.sha256(values.tobytes()).hexdigest(),
            "sum_f64": float(values.astype("f8").sum())}


# ---- compressors -----------------------------------------------------------------------------

def compressor_shapes(H, M, D, E, depth):
    shapes = {"query_fusion_weights": (M,), "layer_fusion_layer_embeddings": (M, D)}
    for name, out in (("layer_fusion_q_prj", D), ("layer_fusion_k_prj", D),
                      ("layer_fusion_v_prj", H), ("metric_prj", E), ("value_prj", H),
                      ("source_mass.mass_prj", 1)):
        shapes[name + ".weight"], shapes[name + ".bias"] = (out, H), (out,)
    for name in ("metric_ln", "value_ln", "source_mass.ln"):
        shapes[name + ".weight"], shapes[name + ".bias"] = (H,), (H,)
    shapes = {POOL + name: shape for name, shape in shapes.items()}
    for layer in range(depth):
        shapes[f"projector.mlp.{2 * layer}.weight"] = (H, H)
        shapes[f"projector.mlp.{2 * layer}.bias"] = (H,)
    return shapes


def compressor_params(H, M, D, E, depth, rng):
    out = {}
    for name, shape in compressor_shapes(H, M, D, E, depth).items():
        value = rng.standard_normal(shape)
        if name.endswith("ln.weight"):
            value = 1 + 0.2 * value
        elif len(shape) == 2 and "embeddings" not in name:
            value = value / shape[1] ** 0.5
        else:
            value = (0.5 if "fusion" in name else 0.25) * value
        out[name] = value.astype("<f4")
    return out
