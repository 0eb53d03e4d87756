"""Small well-formed files for the fuzz drivers to start from; seeds(NAME) gives those of
one driver as {name: bytes}."""
import gzip
import hashlib
import json
import struct
import zlib

# Of a run's place in its data (checkpoint.c).
STREAM_NUMBERS = 773
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = "BbHhIif?__Qqd"
# Codes of tensor types: values and bytes of a block.
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
          10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
          20: (32, 18), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2)}


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, content):
    if kind == STRING:
        return string(content)
    if kind == ARRAY:
        element, items = content
        return struct.pack("<IQ", element, len(items)) + b"".join(value(element, i) for i in items)
    return struct.pack("<" + FORMATS[kind], content)


def gguf(keys, tensors, version=3):
    """keys: {name: (type, content)}; tensors: {name: (type, dims innermost first)}."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for name, (kind, content) in keys.items():
        head += string(name) + struct.pack("<I", kind) + value(kind, content)
    data = b""
    for name, (kind, dims) in tensors.items():
        head += string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(data))
        count = 1
        for dim in dims:
            count *= dim
        values, size = BLOCKS[kind]
        data += bytes(i * 7 % 60 for i in range(count // values * size))
        data += bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + data


def llama(kind=0, hidden=8, layers=1):
    """The smallest model that loads."""
    keys = {"general.architecture": (STRING, "llama"), "llama.context_length": (U32, 16),
            "llama.embedding_length": (U32, hidden), "llama.block_count": (U32, layers),
            "llama.feed_forward_length": (U32, hidden), "llama.attention.head_count": (U32, 2),
            "llama.attention.head_count_kv": (U32, 1),
            "llama.attention.layer_norm_rms_epsilon": (F32, 1e-5),
            "tokenizer.ggml.model": (STRING, "gpt2"), "tokenizer.ggml.pre": (STRING, "gpt-2"),
            "tokenizer.ggml.tokens": (ARRAY, (STRING, ["a", "b", "ab", "</s>"])),
            "tokenizer.ggml.token_type": (ARRAY, (I32, [1, 1, 1, 3])),
            "tokenizer.ggml.merges": (ARRAY, (STRING, ["a b"])),
            "tokenizer.ggml.eos_token_id": (U32, 3)}
    tensors = {"token_embd.weight": (kind, (hidden, 4)), "output_norm.weight": (0, (hidden,))}
    for i in range(layers):
        tensors |= {f"blk.{i}.attn_norm.weight": (0, (hidden,)), f"blk.{i}.ffn_norm.weight": (0, (hidden,)),
                    f"blk.{i}.attn_q.weight": (kind, (hidden, hidden)),
                    f"blk.{i}.attn_k.weight": (kind, (hidden, hidden // 2)),
                    f"blk.{i}.attn_v.weight": (kind, (hidden, hidden // 2)),
                    f"blk.{i}.attn_output.weight": (kind, (hidden, hidden))}
        tensors |= {f"blk.{i}.ffn_{part}.weight": (kind, (hidden, hidden)) for part in ("gate", "up", "down")}
    return gguf(keys, tensors)


def gguf_seeds():
    every_key = {"u8": (U8, 1), "i8": (I8, -1), "u16": (U16, 2), "i16": (I16, -2), "u32": (U32, 3),
                 "i32": (I32, -3), "f32": (F32, 0.5), "bool": (BOOL, True), "string": (STRING, "text"),
                 "u64": (U64, 4), "i64": (I64, -4), "f64": (F64, 0.25),
                 "strings": (ARRAY, (STRING, ["a", "", "bc"])), "floats": (ARRAY, (F32, [1, 2])),
                 "general.alignment": (U32, 64)}
    every_type = {f"t{kind}": (kind, (values, 2)) for kind, (values, _) in BLOCKS.items()}
    return {"empty": gguf({}, {}), "v2": gguf({}, {}, 2), "keys": gguf(every_key, {}),
            "tensors": gguf({}, every_type), "llama": llama(), "llama-q8": llama(8, 32)}


def safetensors(tensors, metadata=None):
    """tensors: {name: (dtype, shape, bytes, or how many)}."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, (dtype, shape, content) in tensors.items():
        if isinstance(content, int):  # a number of bytes, whatever they are
            content = bytes(i % 60 for i in range(content))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors_seeds():
    every = {"d": ("F64", [2], 16), "f": ("F32", [2, 3], 24), "h": ("F16", [1], 2), "b": ("BF16", [2], 4),
             "l": ("I64", [], 8), "i": ("I32", [1, 1, 1, 1], 4), "s": ("I16", [2], 4), "c": ("I8", [3], 3),
             "u": ("U8", [0, 7], 0)}
    escaped = b'{"\\u00e9\\ud83d\\ude00\\n\\"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    return {"empty": safetensors({}), "types": safetensors(every, {"format": "pt", "a": "\u00e9\n"}),
            "escapes": struct.pack("<Q", len(escaped)) + escaped + b"x"}


def json_seeds():
    texts = ["{}", "[1,-2.5e3,true,false,null]", '{"a":{"b":["\\u00e9\\ud83d\\ude00",""]}}',
             "[9223372036854775808,1000000000000000019884624838656]", '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
             '{"model_type":"llama","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,'
             '"intermediate_size":8,"vocab_size":4,"max_position_embeddings":16,'
             '"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,'
             '"high_freq_factor":4,"original_max_position_embeddings":8}}']
    return {str(i): text.encode() for i, text in enumerate(texts)}


def text_seeds():
    texts = ["plain", "\033[31mred\033[0m", "e\u0301\u0301\u0301\u0301\u0301", "\u202egnp.exe\u200b",
             "\u6587\u5b57 \U0001f600"]
    return {str(i): text.encode() for i, text in enumerate(texts)} | {"broken": b"\xc0\xaf\xed\xa0\x80\xf4\x90"}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}


def tokenizer(text, vocab, merges, **parts):
    """A tokenizer.json, a NUL, and a text for it. parts replace the sound ones."""
    tokens = {token: i for i, token in enumerate(vocab)}
    added = [{"id": len(vocab), "content": "<|x|>", "special": True, "lstrip": True},
             {"id": len(vocab) + 1, "content": "\u00e9", "normalized": True, "single_word": True, "rstrip": True}]
    root = {"added_tokens": added, "normalizer": None, "pre_tokenizer": BYTE_LEVEL,
            "decoder": {"type": "ByteLevel"}, "post_processor": None} | parts
    root["model"] = {"type": "BPE", "vocab": tokens, "merges": merges} | parts.get("model", {})
    return json.dumps(root, ensure_ascii=False, separators=(",", ":")).encode() + b"\0" + text.encode()


def tokenizer_seeds():
    few, merges = ["a", "b", "c", "ab", "\u0120", "1", "abc"], ["a b", ["ab", "c"]]
    text = "abc cab 11 <|x|>a'll e\u0301 "
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "q"}}, {"Sequence": {"id": "A"}}],
                "special_tokens": {"q": {"ids": [7]}}}
    digits = [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL]
    split = [{"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False},
             BYTE_LEVEL | {"use_regex": False}]
    spaces = ["\u2581", "a", "b", "\u2581a", "<unk>"] + [f"<0x{i:02X}>" for i in range(256)]
    return {
        "gpt2": tokenizer(text, few, merges, model={"unk_token": "a", "fuse_unk": True}),
        "smollm": tokenizer(text, few, merges, pre_tokenizer={"type": "Sequence", "pretokenizers": digits}),
        "llama": tokenizer(text, few, merges, pre_tokenizer={"type": "Sequence", "pretokenizers": split},
                           normalizer={"type": "NFC"}, post_processor=template, model={"ignore_merges": True}),
        "spm": tokenizer(text, spaces, [["\u2581", "a"]], pre_tokenizer=METASPACE, decoder=METASPACE,
                         model={"byte_fallback": True, "unk_token": "<unk>"}),
    }


def encode_seeds():
    texts = ["It's lamp <right>  12345", "\u6771 e\u0301 both\r\n\n <|go|>on", "'LL 's \u1100\u1161\u11a8  ", "\xff\u2581 "]
    return {f"{k}-{i}": bytes([k]) + text.encode() for k in range(7) for i, text in enumerate(texts)}


SHA = "0" * 64
RECORD = {"version": "1.0.0", "view": "plan", "window": 1, "model": {"name": "m", "size": 9, "sha256": SHA},
          "compressor": {"name": "c", "size": 9, "sha256": SHA}, "document": {"name": "d", "size": 5, "sha256": SHA},
          "settings": {"window": 4, "ratio": 2, "eps": 0.1, "iters": 2, "align": "tail", "segment": 512},
          "question": "who?", "muted": [1], "precision": "f32"}


def session_seeds():
    """Five tokens in windows of 1 and 4 with 1 and 2 slots, 3 hidden states, 2 iterations, one answer;
    the same again as a pin, with the document of the session."""
    integers = {"ids": [1, 2, 3, 4, 5], "start": [0, 1, 2, 3, 4], "end": [1, 2, 3, 4, 5], "window-first": [0, 1, 5],
                "span.0": [0, 1], "span.1": [0, 2, 4], "answer-ids.compressed": [7, 8],
                "answer-start.compressed": [0, 1, 3]}
    floats = {"attention.compressed": [2, 3], "loss-full": [5], "loss-compressed": [5]}
    for window, n, k in ((0, 1, 1), (1, 4, 2)):
        shapes = {"gate": [n, 3], "mass": [n], "plan": [n, k], "cost": [n, k], "twin": [k], "row-error": [3],
                  "column-error": [3], "f": [3, n], "g": [3, k]}
        floats |= {f"{part}.{window}": shape for part, shape in shapes.items()}
    tensors = {name: ("I32", [len(v)], struct.pack(f"<{len(v)}i", *v)) for name, v in integers.items()}
    for name, shape in floats.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        tensors[name] = ("F32", shape, struct.pack("<f", 0.25) * count)
    tensors |= {"text": ("U8", [5], b"abcde"), "answer-text.compressed": ("U8", [3], b"yes")}
    words = {"layers": 2, "hidden": 8, "vocab": 9, "positions": 64, "trained_ratio": 4, "trained_window": 4,
             "untrained": False, "slots": 2, "max_tokens": 20, "special": [[0, "<s>"]], "gold": None,
             "answers": {"compressed": {"state": 3, "positions": 3, "context": 5}}}
    tensors |= {f"pin0/{name}": tensor for name, tensor in tensors.items()
                if name not in ("ids", "start", "end", "text")}
    words["pins"] = [{**words, "name": "one", "a": True, "record": RECORD}]
    metadata = {"comprexit-session": json.dumps(words), "comprexit": json.dumps(RECORD)}
    found = {f"{choice}": bytes([choice]) + safetensors(tensors, metadata) for choice in (0, 9, 26, 43, 64, 193)}
    del tensors["text"]  # `save notext`
    metadata["comprexit-session"] = json.dumps(words | {"text_size": 5})
    return found | {f"{choice}-notext": bytes([choice]) + safetensors(tensors, metadata) for choice in (0, 43, 193)}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def figure_seeds():
    text = json.dumps(RECORD).encode()
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    png += chunk(b"iTXt", b"comprexit\0\0\0\0\0" + text) + chunk(b"IDAT", zlib.compress(bytes(4))) + chunk(b"IEND", b"")
    quoted = text.replace(b"&", b"&amp;").replace(b"<", b"&lt;")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>' + quoted + b"</metadata></svg>"
    return {"png": png, "svg": svg}


def records_seeds():
    question = {"question": "Who?", "answers": ["he"], "id": "1", "qid": "1"}
    squad = {"version": "1.1", "data": [{"title": "t", "paragraphs": [
        {"context": "he did", "qas": [question | {"answers": [{"text": "he", "answer_start": 0}]}]}]}]}
    mrqa = json.dumps({"header": {}}) + "\n" + json.dumps({"context": "[PAR] he", "qas": [question]}) + "\n"
    lines = '{"text": "one \\u00e9"}\n' + json.dumps({"context": "he", **question}) + "\n"
    plain = {"text": "one\n---\ntwo\r\n", "lines": lines, "squad": json.dumps(squad), "mrqa": mrqa}
    plain = {name: text.encode() for name, text in plain.items()}
    return plain | {f"{name}-gz": gzip.compress(data, mtime=0) for name, data in plain.items()}


def checkpoint(**changes):
    """What checkpoint_save writes for a matrix m [2, 2] and a vector v [3], with its hash."""
    numbers = {prefix + name: ("F32", shape, struct.pack(f"<{count}f", *range(count)))
               for prefix in ("", "moment1.", "moment2.")
               for name, shape, count in (("m", [2, 2], 4), ("v", [3], 3))}
    tensors = {**numbers, "stream": ("I64", [STREAM_NUMBERS], bytes(8 * STREAM_NUMBERS))}
    metadata = {"format": "comprexit training checkpoint", "version": "1", "step": "3", "samples": "6",
                "tokens": "99", "seconds": "0.5", "skipped": "0", "best": "inf", "best_step": "0",
                "base_sha256": "0" * 64, "config": "steps = 9\n", "data": "", **changes}
    digest = hashlib.sha256()
    for name, (kind, shape, content) in sorted(tensors.items()):
        dims = [{"F32": 0, "I64": 4}[kind], len(shape), *shape]
        digest.update(name.encode() + b"\0" + struct.pack("<6Q", *dims, *[0] * (6 - len(dims))) + content)
    for key, text in metadata.items():
        digest.update(key.encode() + b"\0" + text.encode() + b"\0")
    return safetensors(tensors, {**metadata, "sha256": digest.hexdigest()})


def checkpoint_seeds():
    return {"whole": checkpoint(), "numbers": checkpoint(step="99999999999999999999", best="nan", seconds="x"),
            "newer": checkpoint(version="3"), "damaged": checkpoint()[:-1] + b"\1"}


def seeds(name):
    makers = {"checkpoint": checkpoint_seeds, "session": session_seeds, "figure": figure_seeds, "records": records_seeds, "gguf": gguf_seeds, "safetensors": safetensors_seeds, "json": json_seeds, "text": text_seeds,
              "tokenizer": tokenizer_seeds, "encode": encode_seeds}
    return makers.get(name, dict)()
