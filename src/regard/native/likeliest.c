// The likeliest words of rows of logits with their log-probabilities: three visits to a row while it lies in the cache.

#include <math.h>

#include "kernels.h"

#define BLOCK 64 // words whose largest is looked at before any single one

#define DEFINE(KIND, TYPE, LOAD)                                                                                     \
    static void best_of_row_##KIND(const TYPE *z, int64_t words, const int64_t *never, int64_t barred, \
                                                 int64_t wanted, float *log_probs, int64_t *ids) {                   \
        float largest = -__builtin_inff(), partition = 0.0f;                                                         \
        _Pragma("omp simd reduction(max : largest)")                                                                 \
        for (int64_t j = 0; j < words; j++) {                                                                        \
            float x = LOAD(z[j]);                                                                                    \
            largest = x > largest ? x : largest;                                                                     \
        }                                                                                                            \
        int32_t sound = 0;                                                                                           \
        _Pragma("omp simd reduction(+ : partition, sound)")                                                          \
        for (int64_t j = 0; j < words; j++) {                                                                        \
            float x = LOAD(z[j]);                                                                                    \
            sound += x <= largest; /* what is not a number is not */                                                 \
            partition += exponential(x - largest);                                                                   \
        }                                                                                                            \
        if (sound != words || largest - largest != 0.0f) partition = __builtin_nanf("");                             \
        for (int64_t k = 0; k < wanted; k++) {                                                                       \
            log_probs[k] = -__builtin_inff();                                                                        \
            ids[k] = 0;                                                                                              \
        }                                                                                                            \
        float least = -__builtin_inff(); /* of those found: what is to beat; of equals the first stays */            \
        for (int64_t from = 0; from < words; from += BLOCK) {                                                        \
            int64_t to = from + BLOCK < words ? from + BLOCK : words;                                                \
            float top = -__builtin_inff();                                                                           \
            _Pragma("omp simd reduction(max : top)")                                                                 \
            for (int64_t j = from; j < to; j++) {                                                                    \
                float x = LOAD(z[j]);                                                                                \
                top = x > top ? x : top;                                                                             \
            }                                                                                                        \
            if (!(top > least)) continue;                                                                            \
            for (int64_t j = from; j < to; j++) {                                                                    \
                float x = LOAD(z[j]);                                                                                \
                if (!(x > least)) continue;                                                                          \
                int allowed = 1;                                                                                     \
                for (int64_t n = 0; n < barred; n++) allowed &= never[n] != j;                                       \
                if (!allowed) continue;                                                                              \
                int64_t k = wanted - 1;                                                                              \
                for (; k > 0 && x > log_probs[k - 1]; k--) {                                                         \
                    log_probs[k] = log_probs[k - 1];                                                                 \
                    ids[k] = ids[k - 1];                                                                             \
                }                                                                                                    \
                log_probs[k] = x;                                                                                    \
                ids[k] = j;                                                                                          \
                least = log_probs[wanted - 1];                                                                       \
            }                                                                                                        \
        }                                                                                                            \
        float log_partition = logf(partition) + largest;                                                             \
        for (int64_t k = 0; k < wanted; k++) log_probs[k] -= log_partition;                                          \
    }                                                                                                                \
    /* For each of `rows` rows of logits z (rows, words): the `wanted` likeliest words, the likeliest first, but     \
       none of the `barred` ids in `never`, and log p of each over all words: both (rows, wanted). -inf where        \
       there are fewer; not a number where the row holds no distribution. */                                        \
    KERNEL void regard_likeliest_##KIND(const TYPE *z, int64_t rows, int64_t words, const int64_t *never,            \
                                        int64_t barred, int64_t wanted, float *log_probs, int64_t *ids,              \
                                        int32_t threads) {                                                           \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (rows * words > (1 << 16))")              \
        for (int64_t i = 0; i < rows; i++)                                                                           \
            best_of_row_##KIND(z + i * words, words, never, barred, wanted, log_probs + i * wanted,                  \
                               ids + i * wanted);                                                                    \
    }

#define SAME(x) (x)
DEFINE(f32, float, SAME)
DEFINE(bf16, bf16, widen)
