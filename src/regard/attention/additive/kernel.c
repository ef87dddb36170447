// Additive scores e = v · tanh(q + k) and their gradients, without the tensor (B, H, T, S, D).
//
// tanh(q + k) = 1 - 2 / (1 + e^2q e^2k): exponentials are computed once per query and once per key, which leaves a
// product and a reciprocal for each of the B·H·T·S·D terms. Blocks in which that would overflow or lose digits compute
// tanh directly. The arithmetic is in arithmetic.h.

#ifdef _OPENMP
#include <omp.h>
#endif

#include "lanes.h"

// Range of max|q| + max|k| in a block for which the product of exponentials is used: above MOST it overflows with
// 1 / v, and below LEAST the difference 1 - 2 / x loses digits.
#define LEAST 0.25f
#define MOST 28.0f

enum {
    ROWS = 64,    // queries whose exponentials are stored at once
    COLUMNS = 16, // keys that are processed with all of these queries before the next keys
    WIDEST = 16,  // floats in the widest vector; rows of scratch memory are padded to a multiple of it
    SMALL = 1 << 15, // terms up to which one thread is faster than several
};

struct forward {
    const void *q, *k;
    const float *v;
    float *e;
    int64_t B, H, T, S, D, stride;
};

struct backward {
    const void *q, *k;
    const float *v, *de;
    void *dq, *dk;
    float *dv;
    int64_t B, H, T, S, D;
};

#if defined(__AVX512F__)
#define RECIPROCAL(x) ((lanes)_mm512_rcp14_ps((__m512)(x)))
#define LIMIT(x, bound)                                                                                               \
    ((lanes)_mm512_max_ps(_mm512_set1_ps(-(bound)), _mm512_min_ps(_mm512_set1_ps(bound), (__m512)(x))))
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#elif defined(__AVX2__)
#define RECIPROCAL(x) ((lanes)_mm256_rcp_ps((__m256)(x)))
#define LIMIT(x, bound)                                                                                               \
    ((lanes)_mm256_max_ps(_mm256_set1_ps(-(bound)), _mm256_min_ps(_mm256_set1_ps(bound), (__m256)(x))))
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#else
#define RECIPROCAL(x) (1.0f / (x))
#define LIMIT(x, bound) limit(x, bound)
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#endif

#ifdef __clang__
#define PICK_LIST(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK_LIST(a, b, ...) __builtin_shuffle(a, b, (integers){__VA_ARGS__})
#endif
#define PICK(a, b, list) PICK_LIST(a, b, list)

#include "arithmetic.h"

static inline int this_thread(void) {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// q (B, H, T, D), k (B, H, S, D), v (H, D) -> e (B, H, T, S). T is divided into `chunks`, which may run at once.
// `scratch` has H (2 D' + 16) floats, and (64 + S + 3) D' floats per thread; D' is D rounded up to a multiple of 16.
#define DEFINE(KIND, TYPE)                                                                                            \
    KERNEL void regard_additive_forward_##KIND(const TYPE *q, const TYPE *k, const float *v, float *e, int64_t B,     \
                                               int64_t H, int64_t T, int64_t S, int64_t D, int64_t chunks,            \
                                               float *scratch, int32_t threads) {                                     \
        int64_t stride = (D + WIDEST - 1) / WIDEST * WIDEST, rows = (T + chunks - 1) / chunks, jobs = B * H * chunks; \
        struct forward job = {q, k, v, e, B, H, T, S, D, stride};                                                     \
        float *heads = scratch, *own = scratch + H * (2 * stride + WIDEST);                                           \
        for (int64_t h = 0; h < H; h++) prepare(v + h * D, D, stride, heads + h * (2 * stride + WIDEST));             \
        _Pragma("omp parallel for num_threads(threads) schedule(dynamic) if (jobs * rows * S * D > SMALL)")           \
        for (int64_t at = 0; at < jobs; at++) {                                                                       \
            int64_t head = at / chunks, first = least(at % chunks * rows, T), last = least(first + rows, T);          \
            forward_##KIND(&job, head / H, head % H, first, last, heads,                                              \
                           own + this_thread() * (ROWS + S + 3) * stride);                                            \
        }                                                                                                             \
    }                                                                                                                 \
    /* de (B, H, T, S) -> dq, dk (chunks, B, H, S, D) and dv (parts * chunks, H, D), the last two to be summed; dv is \
       zero at first. The batch is divided into `parts`. `scratch` has 16 (T + 2 S) floats per thread. */             \
    KERNEL void regard_additive_backward_##KIND(                                                                      \
        const TYPE *q, const TYPE *k, const float *v, const float *de, TYPE *dq, TYPE *dk, float *dv, int64_t B,      \
        int64_t H, int64_t T, int64_t S, int64_t D, int64_t chunks, int64_t parts, float *scratch,                    \
        int32_t threads) {                                                                                            \
        struct backward job = {q, k, v, de, dq, dk, dv, B, H, T, S, D};                                               \
        int64_t rows = (T + chunks - 1) / chunks, size = (B + parts - 1) / parts, jobs = parts * H * chunks;          \
        _Pragma("omp parallel for num_threads(threads) schedule(dynamic) if (B * H * T * S * D > SMALL)")             \
        for (int64_t at = 0; at < jobs; at++) {                                                                       \
            int64_t chunk = at % chunks, h = at / chunks % H, part = at / chunks / H;                                 \
            int64_t first = least(chunk * rows, T), last = least(first + rows, T);                                    \
            float *sum = dv + ((part * chunks + chunk) * H + h) * D;                                                  \
            for (int64_t b = part * size; b < least(part * size + size, B); b++)                                      \
                backward_##KIND(&job, b, h, chunk, first, last, sum,                                                  \
                                scratch + this_thread() * WIDEST * (T + 2 * S));                                      \
        }                                                                                                             \
    }
DEFINE(f32, float)
DEFINE(bf16, bf16)
