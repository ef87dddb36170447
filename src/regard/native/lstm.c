// One step of an LSTM without its matrix products: gates to states, and gradients of states to those of gates.
//
// Gates are in PyTorch's order: input i, forget f, candidate g, output o.

#include "kernels.h"

#define SMALL (1 << 12) // elements up to which one thread is faster than several

static inline float sigmoid(float x) {
    float e = exponential(x < 0.0f ? x : -x);
    float larger = 1.0f / (1.0f + e);
    return x < 0.0f ? e * larger : larger;
}

static inline float hyperbolic_tangent(float x) {
    x = x < -9.0f ? -9.0f : x;
    x = x > 9.0f ? 9.0f : x;
    float y = x * x;
    TANH_PARTS(float, y, p, q);
    return x * p / q;
}

#define DEFINE(KIND, TYPE, LOAD, STORE)                                                                              \
    static void lstm_row_##KIND(TYPE *gates, const TYPE *added, const TYPE *before, TYPE *cell, TYPE *hidden,        \
                                int64_t H) {                                                                         \
        _Pragma("omp simd")                                                                                          \
        for (int64_t j = 0; j < H; j++) {                                                                            \
            float i = LOAD(gates[j]), f = LOAD(gates[H + j]), g = LOAD(gates[2 * H + j]), o = LOAD(gates[3 * H + j]);\
            if (added) {                                                                                             \
                i += LOAD(added[j]);                                                                                 \
                f += LOAD(added[H + j]);                                                                             \
                g += LOAD(added[2 * H + j]);                                                                         \
                o += LOAD(added[3 * H + j]);                                                                         \
            }                                                                                                        \
            i = sigmoid(i);                                                                                          \
            f = sigmoid(f);                                                                                          \
            g = hyperbolic_tangent(g);                                                                               \
            o = sigmoid(o);                                                                                          \
            float c = i * g + (before ? f * LOAD(before[j]) : 0.0f);                                                 \
            gates[j] = STORE(i);                                                                                     \
            gates[H + j] = STORE(f);                                                                                 \
            gates[2 * H + j] = STORE(g);                                                                             \
            gates[3 * H + j] = STORE(o);                                                                             \
            cell[j] = STORE(c);                                                                                      \
            hidden[j] = STORE(o * hyperbolic_tangent(c));                                                            \
        }                                                                                                            \
    }                                                                                                                \
    /* Adds `added` (known, 4H) or nothing to the gates (R, 4H) and makes them i, f, g, o in place. Writes c and h   \
       (R, H) from these and the previous cells, `before` (known, H), which are zero in rows from `known` on. */     \
    KERNEL void regard_lstm_forward_##KIND(TYPE *gates, const TYPE *added, const TYPE *before, TYPE *cell,           \
                                           TYPE *hidden, int64_t R, int64_t known, int64_t H, int32_t threads) {     \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (R * H > SMALL)")                         \
        for (int64_t r = 0; r < R; r++)                                                                              \
            lstm_row_##KIND(gates + r * 4 * H, added && r < known ? added + r * 4 * H : 0,                           \
                            r < known ? before + r * H : 0,                                                          \
                            cell + r * H, hidden + r * H, H);                                                        \
    }                                                                                                                \
    static void lstm_back_row_##KIND(const TYPE *gates, const TYPE *before, const TYPE *cell, const TYPE *dh,        \
                                     const TYPE *later, const TYPE *dc, float *carried, int carries, TYPE *errors,   \
                                     int64_t H) {                                                                    \
        _Pragma("omp simd")                                                                                          \
        for (int64_t j = 0; j < H; j++) {                                                                            \
            float i = LOAD(gates[j]), f = LOAD(gates[H + j]), g = LOAD(gates[2 * H + j]), o = LOAD(gates[3 * H + j]);\
            float t = hyperbolic_tangent(LOAD(cell[j]));                                                             \
            float for_h = LOAD(dh[j]) + (later ? LOAD(later[j]) : 0.0f);                                             \
            float for_c = LOAD(dc[j]) + (carries ? carried[j] : 0.0f) + for_h * o * (1.0f - t * t);                  \
            errors[j] = STORE(for_c * g * i * (1.0f - i));                                                           \
            errors[H + j] = STORE(before ? for_c * LOAD(before[j]) * f * (1.0f - f) : 0.0f);                         \
            errors[2 * H + j] = STORE(for_c * i * (1.0f - g * g));                                                   \
            errors[3 * H + j] = STORE(for_h * t * o * (1.0f - o));                                                   \
            carried[j] = for_c * f;                                                                                  \
        }                                                                                                            \
    }                                                                                                                \
    /* The gradients of the gates (R, 4H) from those of h and c, dh and dc (R, H), plus those from the later step:   \
       `later` of h and `carried` of c, both (reached, H). `carried` then is the gradient of the previous cells. */  \
    KERNEL void regard_lstm_backward_##KIND(const TYPE *gates, const TYPE *before, const TYPE *cell, const TYPE *dh, \
                                            const TYPE *later, const TYPE *dc, float *carried, TYPE *errors,         \
                                            int64_t R, int64_t known, int64_t reached, int64_t H,                    \
                                            int32_t threads) {                                                       \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (R * H > SMALL)")                         \
        for (int64_t r = 0; r < R; r++)                                                                              \
            lstm_back_row_##KIND(gates + r * 4 * H, r < known ? before + r * H : 0, cell + r * H, dh + r * H,        \
                                 r < reached ? later + r * H : 0, dc + r * H, carried + r * H, r < reached,          \
                                 errors + r * 4 * H, H);                                                             \
    }

#define SAME(x) (x)
DEFINE(f32, float, SAME, SAME)
DEFINE(bf16, bf16, widen, narrow)
