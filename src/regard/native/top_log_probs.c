// The most probable words of rows of logits and their log-probabilities, in two passes over a row while it is cached.

#include <math.h>

#include "lanes.h"

#define BLOCK 64 // words per block; blocks whose maximum is too small are skipped in the second pass
#define MOST 64  // largest number of wanted and barred words for which blocks are skipped by a precomputed threshold

// The `count`-th largest of n numbers; -inf if `count` is larger than MOST or n.
static float reached(const float *numbers, int64_t n, int64_t count) {
    float best[MOST];
    if (count > MOST || count > n) return -__builtin_inff();
    for (int64_t k = 0; k < count; k++) best[k] = -__builtin_inff();
    for (int64_t i = 0; i < n; i++) {
        int64_t k = count - 1;
        if (!(numbers[i] > best[k])) continue;
        for (; k > 0 && numbers[i] > best[k - 1]; k--) best[k] = best[k - 1];
        best[k] = numbers[i];
    }
    return best[count - 1];
}

#define DEFINE(KIND, TYPE, LOAD)                                                                                     \
    /* Computes the maximum of each block; returns the maximum of all. */                                            \
    static float tops_##KIND(const TYPE *z, int64_t words, float *tops) {                                            \
        float largest = -__builtin_inff();                                                                           \
        for (int64_t from = 0; from < words; from += BLOCK) {                                                        \
            int64_t count = words - from < BLOCK ? words - from : BLOCK;                                             \
            float top = -__builtin_inff();                                                                           \
            _Pragma("omp simd reduction(max : top)")                                                                 \
            for (int64_t j = 0; j < count; j++) {                                                                    \
                float x = LOAD(z[from + j]);                                                                         \
                top = x > top ? x : top;                                                                             \
            }                                                                                                        \
            tops[from / BLOCK] = top;                                                                                \
            largest = top > largest ? top : largest;                                                                 \
        }                                                                                                            \
        return largest;                                                                                              \
    }                                                                                                                \
    /* Sum of exp(z - largest); NaN if a z is NaN or the largest is infinite. */                                     \
    static float partition_##KIND(const TYPE *z, int64_t words, float largest) {                                     \
        float sum = 0.0f;                                                                                            \
        lanes sums[2] = {{0}}, odd = {0};                                                                            \
        int64_t j = 0;                                                                                               \
        for (; j + 2 * LANES <= words; j += 2 * LANES) {                                                             \
            lanes x = lanes_##KIND(z + j), y = lanes_##KIND(z + j + LANES);                                          \
            odd = (lanes)((bits)odd | (bits)(x != x) | (bits)(y != y));                                        \
            sums[0] += exponentials(x - largest);                                                                    \
            sums[1] += exponentials(y - largest);                                                                    \
        }                                                                                                            \
        int32_t sound = largest - largest == 0.0f;                                                                   \
        for (int64_t i = 0; i < LANES; i++) {                                                                        \
            sum += sums[0][i] + sums[1][i];                                                                          \
            sound &= ((bits)odd)[i] == 0;                                                                          \
        }                                                                                                            \
        for (; j < words; j++) {                                                                                     \
            float x = LOAD(z[j]);                                                                                    \
            sound &= x <= largest;                                                                                   \
            sum += exponential(x - largest);                                                                         \
        }                                                                                                            \
        return sound ? sum : __builtin_nanf("");                                                                     \
    }                                                                                                                \
    static void best_of_row_##KIND(const TYPE *z, int64_t words, const int64_t *never, int64_t barred,               \
                                   int64_t wanted, float *log_probs, int64_t *ids) {                                 \
        int64_t blocks = (words + BLOCK - 1) / BLOCK;                                                                \
        float tops[blocks], largest = tops_##KIND(z, words, tops), partition = partition_##KIND(z, words, largest);  \
        for (int64_t k = 0; k < wanted; k++) {                                                                       \
            log_probs[k] = -__builtin_inff();                                                                        \
            ids[k] = 0;                                                                                              \
        }                                                                                                            \
        float floor = reached(tops, blocks, wanted + barred); /* no wanted word is below it */                       \
        float least = -__builtin_inff(); /* smallest of the words found; of equal ones the first stays */            \
        for (int64_t block = 0; block < blocks; block++) {                                                           \
            if (!(tops[block] > least) || tops[block] < floor) continue;                                             \
            int64_t to = (block + 1) * BLOCK < words ? (block + 1) * BLOCK : words;                                  \
            for (int64_t j = block * BLOCK; j < to; j++) {                                                           \
                float x = LOAD(z[j]);                                                                                \
                if (!(x > least) || x < floor) continue;                                                             \
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
    /* For each of `rows` rows of logits z (rows, words): the `wanted` most probable words in falling order,         \
       without the `barred` ids in `never`, and their log-probabilities over all words: both (rows, wanted). -inf if \
       there are fewer words; NaN if the row is no distribution. */                                                  \
    KERNEL void regard_top_log_probs_##KIND(const TYPE *z, int64_t rows, int64_t words, const int64_t *never,            \
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
