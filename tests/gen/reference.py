"""The method in float64: a frozen Llama and ComprExIT, written from its formulas alone.

Shares no code and no layout with the engine: plain, unfactored, one sequence at a time, so
that a disagreement is a defect of one of the two. Everything is a torch tensor; gradients
come from autograd. Shapes: hidden [M, n, H], weights as in Hugging Face files [out, in].
"""
import math

import torch
import torch.nn.functional as F

DEFAULTS = {"W": 128, "r": 4, "eps": 0.1, "iters": 30, "align": "tail", "gate_tau": 0.7,
            "source_tau": 1.0, "lambda_floor": 0.05}
POOL = "pooling_layer."


def settings(**given):
    return {**DEFAULTS, **given}


# ---- the frozen model -----------------------------------------------------------------

def rms_norm(x, weight, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def frequencies(config):
    """Angle per position of each rotary pair."""
    half = config["head_dim"] // 2
    exponents = torch.arange(half, dtype=torch.float64) * 2 / config["head_dim"]
    theta = config["rope_theta"] ** -exponents
    scaling = config.get("rope_scaling")
    if not scaling:
        return theta
    factor = scaling["factor"]
    if scaling["rope_type"] == "linear":
        return theta / factor
    low = scaling["original_max_position_embeddings"] / scaling["low_freq_factor"]
    high = scaling["original_max_position_embeddings"] / scaling["high_freq_factor"]
    wave = 2 * math.pi / theta
    smooth = (scaling["original_max_position_embeddings"] / wave - scaling["low_freq_factor"]) / (
        scaling["high_freq_factor"] - scaling["low_freq_factor"])
    between = (1 - smooth) * theta / factor + smooth * theta
    return torch.where(wave > low, theta / factor, torch.where(wave < high, theta, between))


def rotate(x, positions, config):
    """x [heads, n, head_dim], pairs are halves."""
    angle = positions[:, None].double() * frequencies(config)[None]
    cos, sin = torch.cos(angle), torch.sin(angle)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def linear(weights, name, x):
    y = x @ weights[name + ".weight"].T
    return y + weights[name + ".bias"] if name + ".bias" in weights else y


def attention(config, weights, prefix, x, positions, visible):
    n, d = x.shape[0], config["head_dim"]
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]

    def project(name, count):
        return linear(weights, prefix + name, x).view(n, count, d).transpose(0, 1)

    q = rotate(project("q_proj", heads), positions, config)
    k = rotate(project("k_proj", groups), positions, config)
    v = project("v_proj", groups)
    k = k.repeat_interleave(heads // groups, 0)
    v = v.repeat_interleave(heads // groups, 0)
    scores = q @ k.transpose(1, 2) / math.sqrt(d)
    mask = torch.tril(torch.ones(n, n, dtype=torch.bool)) & visible[None]
    mask |= torch.eye(n, dtype=torch.bool)
    weight = torch.softmax(scores.masked_fill(~mask, -math.inf), -1)
    mixed = (weight @ v).transpose(0, 1).reshape(n, heads * d)
    return linear(weights, prefix + "o_proj", mixed)


def llama(config, weights, inputs, blocks=None, positions=None, visible=None):
    """inputs [n, H] embeddings. -> hidden states [blocks + 1, n, H], the last one normed."""
    n, eps = inputs.shape[0], config["rms_norm_eps"]
    positions = torch.arange(n) if positions is None else positions
    visible = torch.ones(n, dtype=torch.bool) if visible is None else visible
    x, states = inputs, []
    for block in range(config["num_hidden_layers"] if blocks is None else blocks):
        prefix = f"model.layers.{block}."
        states.append(x)
        normed = rms_norm(x, weights[prefix + "input_layernorm.weight"], eps)
        x = x + attention(config, weights, prefix + "self_attn.", normed, positions, visible)
        normed = rms_norm(x, weights[prefix + "post_attention_layernorm.weight"], eps)
        gate = F.silu(linear(weights, prefix + "mlp.gate_proj", normed))
        x = x + linear(weights, prefix + "mlp.down_proj",
                       gate * linear(weights, prefix + "mlp.up_proj", normed))
    states.append(rms_norm(x, weights["model.norm.weight"], eps))
    return torch.stack(states)


def embed(weights, ids):
    return weights["model.embed_tokens.weight"][torch.as_tensor(ids, dtype=torch.long)]


def logits(weights, normed):
    head = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    return normed @ head.T


# ---- the compressor -------------------------------------------------------------------

def layer_norm(params, name, x):
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt((centred * centred).mean(-1, keepdim=True) + 1e-5)
    return scaled * params[name + ".weight"] + params[name + ".bias"]


def gate(params, s, hidden):
    """-> alpha [n, M], anchors [n, H]"""
    M = hidden.shape[0]
    p = torch.softmax(params[POOL + "query_fusion_weights"][:M], 0)
    mixed = (p[:, None, None] * hidden).sum(0)
    q = linear(params, POOL + "layer_fusion_q_prj", mixed)
    k = linear(params, POOL + "layer_fusion_k_prj", hidden)
    k = k + params[POOL + "layer_fusion_layer_embeddings"][:M, None]
    scores = (q[None] * k).sum(-1).T / math.sqrt(q.shape[-1]) / s["gate_tau"]
    alpha = torch.softmax(scores, -1)
    values = linear(params, POOL + "layer_fusion_v_prj", hidden)
    return alpha, (alpha.T[:, :, None] * values).sum(0)


def spans(W, K):
    base, more = divmod(W, K)
    sizes = [base + 1 if j < more else base for j in range(K)]
    ends = [sum(sizes[:j + 1]) for j in range(K)]
    return list(zip([0] + ends[:-1], ends))


def unit(x):
    return x / x.norm(dim=-1, keepdim=True).clamp_min(1e-12)


def plan_window(params, s, x, first):
    """One window whose valid tokens x [n, H] stand at positions first..; K slots.

    -> dict of a [W], b [K], C and P [W, K], z [valid slots, H], tok [W], slot [K]
    """
    W, K, n, H = s["W"], math.ceil(s["W"] / s["r"] - 1e-9), x.shape[0], x.shape[1]
    tok = torch.zeros(W, dtype=torch.bool)
    tok[first:first + n] = True
    whole = torch.zeros(W, H, dtype=torch.float64)
    whole = whole.index_copy(0, torch.arange(first, first + n), x)
    slot = torch.tensor([bool(tok[b:e].any()) for b, e in spans(W, K)])
    receivers = torch.stack([whole[b:e].sum(0) / max(1, int(tok[b:e].sum()))
                             for b, e in spans(W, K)])

    def metric(y):
        return unit(linear(params, POOL + "metric_prj", layer_norm(params, POOL + "metric_ln", y)))

    C = 1 - metric(whole) @ metric(receivers).T
    score = linear(params, POOL + "source_mass.mass_prj",
                   layer_norm(params, POOL + "source_mass.ln", x))[:, 0]
    mass = torch.softmax(score / s["source_tau"], 0)
    mass = (1 - s["lambda_floor"]) * mass + s["lambda_floor"] / n
    mass = mass / mass.sum()
    kernel = -C[tok] / s["eps"]
    b = slot.double() / slot.sum()
    log_a, log_b = mass.log(), torch.where(slot, b, torch.ones(())).log()
    g = torch.zeros(K, dtype=torch.float64)
    for _ in range(s["iters"]):
        f = log_a - torch.logsumexp(kernel + g[None], 1)
        g = log_b - torch.logsumexp(kernel + f[:, None], 0)
        g = torch.where(slot, g, torch.full((), -math.inf, dtype=torch.float64))
    P = torch.exp(kernel + f[:, None] + g[None])
    values = linear(params, POOL + "value_prj", layer_norm(params, POOL + "value_ln", x))
    z = (P.T @ values)[slot] / b[slot][:, None]

    def spread(y):
        shape = (W,) + y.shape[1:]
        return torch.zeros(shape, dtype=torch.float64).index_copy(
            0, torch.arange(first, first + n), y)

    return {"a": spread(mass), "b": b, "P": spread(P), "z": z, "tok": tok, "slot": slot,
            "C": C * tok[:, None] * slot[None]}


def windows(n, s):
    """[(first token, count, position of the first in its window)]"""
    W = s["W"]
    lead = (-n) % W if s["align"] == "tail" else 0
    out, begin = [], 0
    while begin < n:
        first = lead if begin == 0 else 0
        count = min(W - first, n - begin)
        out.append((begin, count, first))
        begin += count
    return out


def projector(params, z):
    layer = 0
    while f"projector.mlp.{layer}.weight" in params:
        if layer:
            z = 0.5 * z * (1 + torch.erf(z / math.sqrt(2)))
        z = linear(params, f"projector.mlp.{layer}", z)
        layer += 2
    return z


def compress(params, s, hidden):
    """-> dict with alpha, x, a, b, C, P, valid_tok, valid_slot, z, slots"""
    alpha, x = gate(params, s, hidden)
    parts = [plan_window(params, s, x[b:b + n], first) for b, n, first in windows(x.shape[0], s)]

    def all_of(key):
        return torch.stack([p[key] for p in parts])

    z = torch.cat([p["z"] for p in parts])
    return {"alpha": alpha, "x": x, "a": all_of("a"), "b": all_of("b"), "C": all_of("C"),
            "P": all_of("P"), "valid_tok": all_of("tok"), "valid_slot": all_of("slot"), "z": z,
            "slots": projector(params, z)}


def compress_ids(model, params, s, ids, segment=None, blocks=None):
    """Slots of all segments in order. model: (config, weights)"""
    segment, out = segment or len(ids), []
    for begin in range(0, len(ids), segment):
        hidden = llama(*model, embed(model[1], ids[begin:begin + segment]), blocks)
        out.append(compress(params, s, hidden)["slots"])
    return torch.cat(out)


# ---- decoding and losses ----------------------------------------------------------------

def decode(model, slots, query, bos, gap=0):
    """Logits behind [BOS] ++ gap masked positions ++ slots ++ query: at the last slot and at
    each token of the query."""
    config, weights = model
    parts = [embed(weights, [bos])] if bos is not None else []
    parts += [torch.zeros(gap, config["hidden_size"], dtype=torch.float64), slots,
              embed(weights, query)]
    inputs = torch.cat(parts)
    visible = torch.ones(inputs.shape[0], dtype=torch.bool)
    lead = 1 if bos is not None else 0
    visible[lead:lead + gap] = False
    normed = llama(config, weights, inputs, visible=visible)[-1]
    return logits(weights, normed[-len(query) - 1:])


def greedy(model, slots, query, bos, count):
    query, out = list(query), []
    for _ in range(count):
        out.append(int(decode(model, slots, query, bos)[-1].argmax()))
        query.append(out[-1])
    return out


def batch_loss(model, params, s, samples, bos, budget=None, blocks=None):
    """Mean over all labels of all samples (context, query, labels); label t is predicted just
    before query token t. budget: the empty slots of shorter contexts keep their places."""
    total, count = 0, 0
    for context, query, labels in samples:
        slots = compress_ids(model, params, s, context, blocks=blocks)
        gap = 0
        if budget:
            gap = budget // s["W"] * math.ceil(s["W"] / s["r"] - 1e-9) - slots.shape[0]
        rows = decode(model, slots, query, bos, gap)[:-1]
        labels = torch.as_tensor(labels, dtype=torch.long)
        total = total + F.cross_entropy(rows, labels, ignore_index=-100, reduction="sum")
        count += int((labels != -100).sum())
    return total / count


def token_losses(model, ids):
    """Next-token loss of ids[1:]."""
    normed = llama(*model, embed(model[1], ids))[-1]
    return F.cross_entropy(logits(model[1], normed[:-1]),
                           torch.as_tensor(ids[1:], dtype=torch.long), reduction="none")
