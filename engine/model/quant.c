#include "engine/model/quant.h"

#include "engine/ops/half.h"

enum {
    SMALL = 32,  /* values in a simple block */
    LARGE = 256, /* values in a K block */
};

static float half_at(const uint8_t *p)
{
    return half_to_float((uint16_t)(p[0] | p[1] << 8));
}

/* Bit j of the 32 bits that stand at p, as 0 or 16: the fifth bit of value j. */
static int fifth_bit(const uint8_t *p, int j)
{
    return (p[j / 8] >> j % 8 & 1) << 4;
}

/* d[2] q[32] */
static void widen_q8_0(const uint8_t *block, real *out)
{
    float d = half_at(block);
    const int8_t *q = (const int8_t *)(block + 2);
    for (int j = 0; j < SMALL; j++)
        out[j] = (real)((float)q[j] * d);
}

/* The 4 and 5 bit formats keep value j and value j + 16 in one byte.
 * d[2] q[16] */
static void widen_q4_0(const uint8_t *block, real *out)
{
    float d = half_at(block);
    const uint8_t *q = block + 2;
    for (int j = 0; j < SMALL / 2; j++) {
        out[j] = (real)((float)((q[j] & 15) - 8) * d);
        out[j + 16] = (real)((float)((q[j] >> 4) - 8) * d);
    }
}

/* d[2] m[2] q[16] */
static void widen_q4_1(const uint8_t *block, real *out)
{
    float d = half_at(block), m = half_at(block + 2);
    const uint8_t *q = block + 4;
    for (int j = 0; j < SMALL / 2; j++) {
        out[j] = (real)((float)(q[j] & 15) * d + m);
        out[j + 16] = (real)((float)(q[j] >> 4) * d + m);
    }
}

/* d[2] fifth[4] q[16] */
static void widen_q5_0(const uint8_t *block, real *out)
{
    float d = half_at(block);
    const uint8_t *fifth = block + 2, *q = block + 6;
    for (int j = 0; j < SMALL / 2; j++) {
        out[j] = (real)((float)(((q[j] & 15) | fifth_bit(fifth, j)) - 16) * d);
        out[j + 16] = (real)((float)((q[j] >> 4 | fifth_bit(fifth, j + 16)) - 16) * d);
    }
}

/* d[2] m[2] fifth[4] q[16] */
static void widen_q5_1(const uint8_t *block, real *out)
{
    float d = half_at(block), m = half_at(block + 2);
    const uint8_t *fifth = block + 4, *q = block + 8;
    for (int j = 0; j < SMALL / 2; j++) {
        out[j] = (real)((float)((q[j] & 15) | fifth_bit(fifth, j)) * d + m);
        out[j + 16] = (real)((float)(q[j] >> 4 | fifth_bit(fifth, j + 16)) * d + m);
    }
}

/* d[2] q[16] */
static void widen_iq4_nl(const uint8_t *block, real *out)
{
    static const int8_t levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};
    float d = half_at(block);
    const uint8_t *q = block + 2;
    for (int j = 0; j < SMALL / 2; j++) {
        out[j] = (real)(d * (float)levels[q[j] & 15]);
        out[j + 16] = (real)(d * (float)levels[q[j] >> 4]);
    }
}

/* In Q2_K and Q3_K the two bits of value i of a half block (128 values) stand in
 * byte i % 32 at shift 2 (i / 32); every 16 values have a scale.
 * scales[16] (low nibble s, high nibble t) q[64] d[2] dmin[2] */
static void widen_q2_k(const uint8_t *block, real *out)
{
    const uint8_t *scales = block, *q = block + 16;
    float d = half_at(block + 80), dmin = half_at(block + 82);
    for (int i = 0; i < LARGE; i += 16, scales++) {
        float scale = d * (float)(*scales & 15), offset = dmin * (float)(*scales >> 4);
        const uint8_t *p = q + i / 128 * 32 + i % 32;
        int shift = i % 128 / 32 * 2;
        for (int j = 0; j < 16; j++)
            out[i + j] = (real)(scale * (float)(p[j] >> shift & 3) - offset);
    }
}

/* Scale i (0..15) of Q3_K: four low bits in the first eight bytes, two high bits
 * in the last four; stored with 32 added. */
static int q3_scale(const uint8_t *scales, int i)
{
    int low = scales[i % 8] >> 4 * (i / 8) & 15;
    int high = scales[8 + i % 4] >> 2 * (i / 4) & 3;
    return (low | high << 4) - 32;
}

/* The third bit of value i stands in byte i % 32 at bit i / 32; 0 means minus 4.
 * third[32] q[64] scales[12] d[2] */
static void widen_q3_k(const uint8_t *block, real *out)
{
    const uint8_t *third = block, *q = block + 32, *scales = block + 96;
    float d = half_at(block + 108);
    for (int i = 0; i < LARGE; i += 16) {
        float scale = d * (float)q3_scale(scales, i / 16);
        const uint8_t *p = q + i / 128 * 32 + i % 32, *t = third + i % 32;
        int shift = i % 128 / 32 * 2, bit = 1 << i / 32;
        for (int j = 0; j < 16; j++)
            out[i + j] =
                (real)(scale * (float)((p[j] >> shift & 3) - (t[j] & bit ? 0 : 4)));
    }
}

/* Those of the last four groups are spread over nibbles and top bits. */
void quant_q4_k_scale(const uint8_t *p, int i, int *s, int *t)
{
    if (i < 4) {
        *s = p[i] & 63;
        *t = p[i + 4] & 63;
    } else {
        *s = (p[i + 4] & 15) | p[i - 4] >> 6 << 4;
        *t = p[i + 4] >> 4 | p[i] >> 6 << 4;
    }
}

/* Four bits of value i: byte i / 64 * 32 + i % 32, low nibble for the first 32 of
 * each 64 values. d[2] dmin[2] scales[12] q[128] */
static void widen_q4_k(const uint8_t *block, real *out)
{
    float d = half_at(block), dmin = half_at(block + 2);
    const uint8_t *q = block + 16;
    for (int i = 0; i < LARGE; i += 32) {
        int s, t, shift = i % 64 / 32 * 4;
        quant_q4_k_scale(block + 4, i / 32, &s, &t);
        float scale = d * (float)s, offset = dmin * (float)t;
        const uint8_t *p = q + i / 64 * 32;
        for (int j = 0; j < 32; j++)
            out[i + j] = (real)(scale * (float)(p[j] >> shift & 15) - offset);
    }
}

/* As Q4_K; the fifth bit of value i stands in byte i % 32 at bit i / 32.
 * d[2] dmin[2] scales[12] fifth[32] q[128] */
static void widen_q5_k(const uint8_t *block, real *out)
{
    float d = half_at(block), dmin = half_at(block + 2);
    const uint8_t *fifth = block + 16, *q = block + 48;
    for (int i = 0; i < LARGE; i += 32) {
        int s, t, shift = i % 64 / 32 * 4, bit = i / 32;
        quant_q4_k_scale(block + 4, i / 32, &s, &t);
        float scale = d * (float)s, offset = dmin * (float)t;
        const uint8_t *p = q + i / 64 * 32;
        for (int j = 0; j < 32; j++) {
            int value = (p[j] >> shift & 15) | (fifth[j] >> bit & 1) << 4;
            out[i + j] = (real)(scale * (float)value - offset);
        }
    }
}

/* Each half block (128 values): four low bits of value i in byte i % 64, low nibble
 * for the first 64; two high bits in byte i % 32 at shift 2 (i / 32).
 * low[128] high[64] scales[16] d[2] */
static void widen_q6_k(const uint8_t *block, real *out)
{
    const int8_t *scales = (const int8_t *)(block + 192);
    float d = half_at(block + 208);
    for (int i = 0; i < LARGE; i += 16) {
        float scale = d * (float)scales[i / 16];
        int half = i / 128, k = i % 128, nibble = k / 64 * 4, shift = k / 32 * 2;
        const uint8_t *low = block + half * 64 + k % 64,
                      *high = block + 128 + half * 32 + k % 32;
        for (int j = 0; j < 16; j++) {
            int value = (low[j] >> nibble & 15) | (high[j] >> shift & 3) << 4;
            out[i + j] = (real)(scale * (float)(value - 32));
        }
    }
}

quant_widen_fn *quant_widener(enum tensor_type type)
{
    static quant_widen_fn *const wideners[TENSOR_TYPE_COUNT] = {
        [TENSOR_Q8_0] = widen_q8_0,     [TENSOR_Q4_0] = widen_q4_0,
        [TENSOR_Q4_1] = widen_q4_1,     [TENSOR_Q5_0] = widen_q5_0,
        [TENSOR_Q5_1] = widen_q5_1,     [TENSOR_Q2_K] = widen_q2_k,
        [TENSOR_Q3_K] = widen_q3_k,     [TENSOR_Q4_K] = widen_q4_k,
        [TENSOR_Q5_K] = widen_q5_k,     [TENSOR_Q6_K] = widen_q6_k,
        [TENSOR_IQ4_NL] = widen_iq4_nl,
    };
    return wideners[type];
}
