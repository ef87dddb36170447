// Softmax, loss and error of rows of logits, in one visit to each row while it lies in the first cache.

#include <math.h>

#include "kernels.h"

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

#define DEFINE(KIND, TYPE, LOAD, STORE)                                                                             \
    EVERY_MACHINE static void row_##KIND(TYPE *z, const float *bias, int64_t words, int64_t target,                 \
                                         float smoothing, float *nll, float *log_probs, float *e, float *sums,      \
                                         int write) {                                                               \
        float largest = -__builtin_inff(), total = 0.0f, partition = 0.0f;                                          \
        _Pragma("omp simd reduction(max : largest)")                                                                \
        for (int64_t j = 0; j < words; j++) {                                                                       \
            float x = LOAD(z[j]) + bias[j];                                                                         \
            e[j] = x;                                                                                               \
            largest = x > largest ? x : largest;                                                                    \
        }                                                                                                           \
        float wanted = e[target] - largest;                                                                         \
        _Pragma("omp simd reduction(+ : partition, total)")                                                         \
        for (int64_t j = 0; j < words; j++) {                                                                       \
            float x = e[j] - largest;                                                                               \
            total += x;                                                                                             \
            e[j] = exponential(x);                                                                                  \
            partition += e[j];                                                                                      \
        }                                                                                                           \
        if (total - total != 0.0f) partition = total - total; /* an infinity or not a number spoils the row */      \
        float log_partition = logf(partition);                                                                      \
        *nll = log_partition - wanted;                                                                              \
        *log_probs = total - (float)words * log_partition;                                                          \
        if (!write) return;                                                                                         \
        float inverse = 1.0f / partition;                                                                           \
        e[target] += (smoothing - 1.0f) * partition;                                                                \
        _Pragma("omp simd")                                                                                         \
        for (int64_t j = 0; j < words; j++) {                                                                       \
            float error = e[j] * inverse;                                                                           \
            z[j] = STORE(error);                                                                                    \
            sums[j] += error;                                                                                       \
        }                                                                                                           \
    }                                                                                                               \
    /* For each of `rows` rows of logits z (rows, words), bias not yet added:                                       \
       nll = -log p(target); log_probs = sum over the words of log p;                                               \
       and where `write` is set, z becomes p - (1 - smoothing) [word = target],                                     \
       whose sum over the rows is left in the `threads` rows of `sums` (threads, words).                            \
       `scratch` is (threads, words). */                                                                            \
    KERNEL void regard_cross_entropy_##KIND(TYPE *z, const float *bias, const int64_t *targets, int64_t rows, int64_t words, \
                     float smoothing, float *nll, float *log_probs, float *scratch, float *sums, int32_t write,     \
                     int32_t threads) {                                                                             \
        _Pragma("omp parallel for num_threads(threads) schedule(static, 1)")                                        \
        for (int32_t part = 0; part < threads; part++) {                                                            \
            int64_t from = rows * part / threads, to = rows * (part + 1) / threads;                                 \
            for (int64_t i = from; i < to; i++)                                                                     \
                row_##KIND(z + i * words, bias, words, targets[i], smoothing, nll + i, log_probs + i,               \
                           scratch + part * words, sums + part * words, write);                                     \
        }                                                                                                           \
    }

#define SAME(x) (x)
DEFINE(f32, float, SAME, SAME)
DEFINE(bf16, bf16, widen, narrow)
