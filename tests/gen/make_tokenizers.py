#!/usr/bin/env python3
"""Small tokenizers and reference ids for tests/golden-extra/tokenizers.

usage: tests/gen/make_tokenizers.py OUT_DIR [-n LINES] [-s SEED] [-m MODEL.gguf]

Trains one vocabulary per kind on the sentences below with the `tokenizers`
package (0.23.3), writes NAME.json as the package saves it and NAME.jsonl with
{"text", "ids", "ids_plain", "decoded"}: ids with special tokens parsed and added,
ids_plain with the text of special tokens taken as text and none added (absent where
equal), decoded = ids back to text, special tokens shown (absent where equal to text).
Behind the first lines, where a mismatch can be read, both lists are one "sum": eight
digits of the SHA-256 of "1,2,3;1,2,3". So thousands of lines stay small.

-m: five times as many lines for the vocabulary of this file, SmolLM's, in OUT_DIR/../smollm2.jsonl.
"""
import argparse
import hashlib
import json
import pathlib
import random

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)

TRAINING = """
The kettle was old, and it whistled in two notes; nobody knew which of them came first.
We counted 1234 boats in the harbour, 56 of them blue, 7 painted by children in 2019.
She said: "I'll bring the ladder, you've got the lamp, he'd better hold the rope."
They're late again, aren't they? It's the third time, and we'd planned for 8:30!
A gardener's notebook lists: beans (runner), peas, chard, 12 onions & some thyme.
for (int i = 0; i < count; i++) { total += price[i] * 1.05; }   // add the tax
def walk(tree, depth=0):\n    for child in tree:\n        yield from walk(child, depth + 1)
Der Müller mahlt früh, die Bäckerin öffnet um sechs; große Brötchen kosten 0,45 €.
L'été dernier, à la plage, nous avons mangé des glaces à la crème brûlée.
El niño pequeño comió piñones; ¿quién los había traído? ¡Nadie lo sabía!
Старый маяк стоит на скале, и чайки кричат над серой водой каждое утро.
春の朝、庭の桜が咲いた。 鳥が歌い、 風が吹く。 夏になると海へ行く。
오늘은 날씨가 맑아서 우리는 강가를 따라 오래 걸었다.
बच्चे नदी के किनारे खेल रहे थे और हवा ठंडी थी।
Rain, rain, rain -- the gutters sang; the cat watched, unimpressed, from the sill.
Two hundred and forty-one steps lead up to the lantern room (we counted twice).
""".strip().split("\n")

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
MARK = "\u2581"


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)


ADDED = [
    AddedToken("<|go|>", special=True, normalized=False),
    AddedToken("<|go|>on", special=True, normalized=False),
    AddedToken("<left>", special=True, normalized=False, lstrip=True),
    AddedToken("<right>", special=False, normalized=False, rstrip=True),
    AddedToken("lamp", special=False, normalized=False, single_word=True),
    AddedToken("both", special=False, normalized=False, lstrip=True, rstrip=True, single_word=True),
]


def byte_level_tokenizer(pre, normalizer=None, bos=None, ignore_merges=False, skip_bytes=(), unknown=None):
    t = Tokenizer(models.BPE(ignore_merges=ignore_merges, unk_token=unknown, fuse_unk=unknown is not None))
    t.pre_tokenizer = pre
    if normalizer:
        t.normalizer = normalizer
    t.decoder = decoders.ByteLevel()
    alphabet = [c for c in sorted(pre_tokenizers.ByteLevel.alphabet()) if c not in skip_bytes]
    t.train_from_iterator(TRAINING, trainers.BpeTrainer(
        vocab_size=420, show_progress=False, special_tokens=[s for s in (bos, unknown) if s],
        initial_alphabet=alphabet))
    if bos:
        t.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, t.token_to_id(bos))])
    return t


def sentencepiece_tokenizer(legacy, scheme="always", cut=False):
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    t = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    # Spaces must be marks while training; the shipped pipeline follows below.
    t.normalizer = normalizers.Sequence(
        [normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="never", split=True)
    t.train_from_iterator(TRAINING[:13], trainers.BpeTrainer(
        vocab_size=700, show_progress=False, special_tokens=["<unk>", "<s>", "</s>"] + bytes_,
        limit_alphabet=120))
    data = json.loads(t.to_str())
    data["added_tokens"] = [a for a in data["added_tokens"] if not a["content"].startswith("<0x")]
    model = data["model"]
    # Rows of spaces, as published vocabularies have them, and all ways to put a token
    # together, which is what a vocabulary with scores means.
    for n in (2, 3, 4):
        model["vocab"][MARK * n] = len(model["vocab"])
    plain = set(model["vocab"]) - {"<unk>", "<s>", "</s>", *bytes_}
    model["merges"] = [[text[:i], text[i:]] for text in model["vocab"] if text in plain
                       for i in range(1, len(text)) if text[:i] in plain and text[i:] in plain]
    t = Tokenizer.from_str(json.dumps(data))
    strip = [decoders.Strip(" ", 1, 0)]
    if legacy:
        t.pre_tokenizer = None
    else:
        t.normalizer = None
        t.pre_tokenizer = pre_tokenizers.Metaspace(MARK, prepend_scheme=scheme, split=cut)
        strip = strip if scheme != "never" else []
    t.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(),
                                   decoders.Fuse()] + strip)
    t.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", t.token_to_id("<s>"))])
    data = json.loads(t.to_str())
    if legacy:
        data["pre_tokenizer"] = None
    return Tokenizer.from_str(json.dumps(data))


def build():
    decomposed = AddedToken("cafe\u0301!", special=False, normalized=True)
    kinds = {
        "gpt-2": byte_level_tokenizer(byte_level(True)),
        "smollm": byte_level_tokenizer(pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), byte_level(True)]),
            skip_bytes=("\u0104", "\u00c0")),
        "unknown": byte_level_tokenizer(byte_level(True), skip_bytes=[chr(0x120 + i) for i in range(16)],
                                        unknown="<unk>"),
        "default": byte_level_tokenizer(pre_tokenizers.Sequence(
            [split(r"[\p{P}\$\+<=>\^~\|]+"), byte_level(True), split(r"\p{N}+"),
             split("[0-9][0-9][0-9]")])),
        "llama-bpe": byte_level_tokenizer(pre_tokenizers.Sequence([split(LLAMA3), byte_level(False)]),
                                          bos="<|begin|>", ignore_merges=True),
        "qwen2": byte_level_tokenizer(pre_tokenizers.Sequence([split(QWEN2), byte_level(False)]),
                                      normalizer=normalizers.NFC()),
        "spm-legacy": sentencepiece_tokenizer(True),
        "spm-first": sentencepiece_tokenizer(False, "first"),
        "spm-words": sentencepiece_tokenizer(False, "always", True),
        "spm-never": sentencepiece_tokenizer(False, "never"),
    }
    for name, t in kinds.items():
        t.add_tokens([a for a in ADDED if not a.special])
        t.add_special_tokens([a for a in ADDED if a.special])
        if name == "qwen2":
            t.add_tokens([decomposed])
    return kinds


ODD = ["\u00a0", "\u3000", "\u2003", "\u0085", "\u2028", "\u180e", "\u200b", "\ufeff", "\r\n", "\n\n",
       "\t", "\x0b", "\x1c", "\x00", "\x7f", "\u017f", "\u212a", "\u2581", "e\u0301", "\u212b", "\u0958",
       "\uac00\u11a8", "\u1100\u1161\u11a8", "\u0344", "q\u0323\u0307", "q\u0307\u0323", "\ufb01",
       "\u2126", "\u0f73", "\U0001d15e", "\u1e9b\u0323", "\u0663\u0664\u0665\u0666", "\u00bd",
       "\u2167", "\u00b2\u00b3", "\U0001f469\u200d\U0001f680", "\U0001f1ea\U0001f1fa", "\u24b6",
       "\U0002ebf0", "\U00013460", "\u0c5b", "\ue000", "\U0010fffd", "\u05d0\u05d1", "\u0e01\u0e33"]
SPECIAL = ["<|go|>", "<|go|>on", "<left>", "<right>", "lamp", "both", "cafe\u0301!", "caf\u00e9!", "<s>",
           "</s>", "<unk>", "<|begin|>", "<|go|", "<0x41>", "lampshade", "_lamp", "lamp_"]
LEGIBLE = 36
TAILS = ["'s", "'S", "'ll", "'LL", "'Ve", "'RE", "'\u017f", "'x", "''s", "\u2019s", "...", "!!", "\n", " \n ",
         "  ", "   ", " ", "", "-", "/", "=+=", "$", "\\"]


def random_text(rng, words, special):
    out = []
    for _ in range(rng.randint(1, rng.choice([4, 4, 4, 4, 16]))):
        roll = rng.random()
        if roll < 0.35:
            out.append(rng.choice(words))
        elif roll < 0.5:
            out.append(rng.choice(TAILS))
        elif roll < 0.6:
            out.append(rng.choice(ODD))
        elif roll < 0.7:
            out.append(rng.choice(special))
        elif roll < 0.78:
            out.append("".join(rng.choice("0123456789") for _ in range(rng.randint(1, 9))))
        elif roll < 0.9:
            out.append(rng.choice([" ", " ", "  ", "\n", "\t", " \u00a0"]))
        else:
            block = rng.choice([(0x20, 0x7e), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x52f),
                                (0x900, 0xdff), (0x1100, 0x11ff), (0x1e00, 0x1fff), (0x2000, 0x2bff),
                                (0x3040, 0x9fff), (0xac00, 0xd7a3), (0xf900, 0xfb4f),
                                (0x10000, 0x1ffff)])
            out.append("".join(chr(rng.randint(*block)) for _ in range(rng.randint(1, 4))))
        if rng.random() < 0.3:
            out.append(" ")
    return "".join(out)


def describe(t, text):
    t.encode_special_tokens = False
    ids = t.encode(text).ids
    line = {"text": text, "ids": ids}
    t.encode_special_tokens = True
    plain = t.encode(text, add_special_tokens=False).ids
    t.encode_special_tokens = False
    if plain != ids:
        line["ids_plain"] = plain
    decoded = t.decode(ids, skip_special_tokens=False)
    if decoded != text:
        line["decoded"] = decoded
    return line


def shorten(line):
    ids, plain = line.pop("ids"), line.pop("ids_plain", None)
    lists = ";".join(",".join(map(str, x)) for x in (ids, ids if plain is None else plain))
    return {**line, "sum": hashlib.sha256(lists.encode()).hexdigest()[:8]}


def published_tokenizer(path):
    """The byte-level vocabulary of a GGUF file, with the pipeline that SmolLM publishes."""
    import gguf
    fields = {name: field.contents() for name, field in gguf.GGUFReader(path).fields.items()
              if name.startswith("tokenizer.ggml.")}
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"]]
    t = Tokenizer(models.BPE({text: i for i, text in enumerate(tokens)}, merges))
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), byte_level(True)])
    t.decoder = decoders.ByteLevel()
    control = [text for text, kind in zip(tokens, kinds) if kind == gguf.TokenType.CONTROL]
    t.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in control])
    return t, control


def write_lines(path, t, count, rng, special):
    words = " ".join(TRAINING).split()
    texts = rng.sample(TRAINING, 2)
    texts += [random_text(rng, words, special) for _ in range(count - len(texts))]
    with path.open("w") as f:
        for i, text in enumerate(texts):
            line = describe(t, text)
            line = line if i < LEGIBLE else shorten(line)
            f.write(json.dumps(line, separators=(",", ":")) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("-n", "--lines", type=int, default=400)
    parser.add_argument("-s", "--seed", type=int, default=2024)
    parser.add_argument("-m", "--model")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, t in build().items():
        (options.out / f"{name}.json").write_text(
            json.dumps(json.loads(t.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        write_lines(options.out / f"{name}.jsonl", t, options.lines, rng, SPECIAL)
    if options.model:
        t, control = published_tokenizer(options.model)
        write_lines(options.out.parent / "smollm2.jsonl", t, 5 * options.lines, rng, SPECIAL + control)


if __name__ == "__main__":
    main()
