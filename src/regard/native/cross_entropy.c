// Softmax, loss and gradient of rows of logits, in one pass over each row while it is in the first-level cache.

#include <math.h>

#include "kernels.h"

#define DEFINE(KIND, TYPE, LOAD, STORE)                                                                             \
    static void row_##KIND(TYPE *z, const float *bias, int64_t words, int64_t target,                 \
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
        if (total - total != 0.0f) partition = total - total; /* an infinity or NaN makes the row NaN */            \
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
       if `write` is set, z becomes p - (1 - smoothing) [word = target],                                            \
       and each thread adds its rows of z to its row of `sums` (threads, words).                                    \
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
