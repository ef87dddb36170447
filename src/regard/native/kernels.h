// Shared by the kernels: plain C99 without dependencies; arguments are laid out as in PyTorch's tensors.
#ifndef REGARD_KERNELS_H
#define REGARD_KERNELS_H

#include <stdint.h>
#include <string.h>

#define KERNEL __attribute__((visibility("default")))

typedef uint16_t bf16;

static inline float widen(bf16 x) {
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

// Rounds to nearest, ties to even; NaN stays NaN.
static inline bf16 narrow(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return (bits & 0x7fffffffu) > 0x7f800000u ? (bf16)0x7fc0u : (bf16)rounded;
}

// e^x for x <= 0, relative error below 3e-7; 0 below -87.
static inline float exponential(float x) {
    float clamped = x < -87.0f ? -87.0f : x;
    float n = clamped * 1.44269504f + 12582912.0f; // adding 1.5 * 2^23 rounds to a whole number
    n -= 12582912.0f;
    float r = clamped - n * 0.693145752f - n * 1.42860677e-6f; // ln 2 in two parts
    float p = 1.98756915e-4f;
    p = p * r + 1.39819995e-3f;
    p = p * r + 8.33345190e-3f;
    p = p * r + 4.16657962e-2f;
    p = p * r + 1.66666657e-1f;
    p = p * r + 5.00000012e-1f;
    p = p * r * r + r + 1.0f;
    int32_t power = ((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &power, sizeof scale);
    return x < -87.0f ? 0.0f : p * scale;
}

// P(y) and Q(y) of tanh(x) = x P(x²) / Q(x²) on [-9, 9], with relative error at most 2e-8; beyond, tanh is ±1 in float.
// TYPE is float or a vector of floats.
#define TANH_PARTS(TYPE, y, p, q)                                                                                    \
    TYPE p = (y) * 1.335462643e-08f + 2.060905569e-05f, q = (y) * 7.776543543e-07f + 3.285632128e-04f;               \
    p = p * (y) + 3.495586468e-03f;                                                                                  \
    q = q * (y) + 2.587697587e-02f;                                                                                  \
    p = p * (y) + 1.338102424e-01f;                                                                                  \
    q = q * (y) + 4.671433984e-01f;                                                                                  \
    p = p * (y) + 9.999999795e-01f;                                                                                  \
    q = q * (y) + 1.0f

#endif
