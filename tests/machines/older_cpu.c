/* Makes a program see an older processor than the one it runs on.
 *
 *     cc -O1 -shared -fPIC -o older_cpu.so older_cpu.c
 *     OLDER_CPU=avx2 LD_PRELOAD=./older_cpu.so python ...
 *
 * Libraries use the CPUID instruction to find out which instructions they may use. Linux can make CPUID fault
 * (arch_prctl ARCH_SET_CPUID, if /proc/cpuinfo lists cpuid_fault). The fault arrives as SIGSEGV; the handler below
 * executes CPUID itself, clears the bits of what the older processor lacks, and continues after the instruction. So all
 * libraries of a process and of its children agree, even those that have no environment variable to limit them.
 * Hidden instructions still work: this shows which code is chosen, not that the code avoids newer instructions.
 *
 * OLDER_CPU: avx512 hides VNNI, AMX, bf16 and fp16 (like Skylake-X); avx2 also hides all of AVX-512 (like Haswell or
 *            Zen 3); generic also hides AVX2, FMA, F16C and AVX, leaving SSE4.2.
 * Exit status 77 at start: this processor or kernel cannot make CPUID fault.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define BIT(n) (1u << (n))

enum { GENERIC, AVX2, AVX512 };
static int level = AVX2;
static struct sigaction program_action; /* the program's own handling of a real SIGSEGV */

static long allow_cpuid(long allowed) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed); }

/* Bits as in Intel's Software Developer's Manual, volume 2A, CPUID. */
static void hide(uint32_t leaf, uint32_t sub, uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    if (leaf == 1 && level == GENERIC)
        *c &= ~(BIT(12) | BIT(28) | BIT(29)); /* FMA, AVX, F16C */
    if (leaf == 7 && sub == 0) {
        *c &= ~BIT(11);                                  /* AVX512_VNNI */
        *d &= ~(BIT(22) | BIT(23) | BIT(24) | BIT(25)); /* AMX-BF16, AVX512_FP16, AMX-TILE, AMX-INT8 */
        if (level <= AVX2) {
            *b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31)); /* F DQ IFMA .. VL */
            *c &= ~(BIT(1) | BIT(6) | BIT(12) | BIT(14)); /* VBMI, VBMI2, BITALG, VPOPCNTDQ */
            *d &= ~(BIT(2) | BIT(3) | BIT(8));            /* 4VNNIW, 4FMAPS, VP2INTERSECT */
        }
        if (level == GENERIC)
            *b &= ~BIT(5); /* AVX2 */
    }
    if (leaf == 7 && sub == 1) {
        *a &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));  /* AVX-VNNI, AVX512_BF16, AMX-FP16, AVX-IFMA */
        *d &= ~(BIT(4) | BIT(5) | BIT(10) | BIT(19)); /* AVX-VNNI-INT8, AVX-NE-CONVERT, AVX-VNNI-INT16, AVX10 */
    }
    if (leaf == 0xd && sub == 0) /* saved states: x87, SSE, AVX, then the three of AVX-512 */
        *a &= level == AVX512 ? 0xe7u : level == AVX2 ? 7u : 3u;
}

static void on_fault(int number, siginfo_t *info, void *raw)
{
    greg_t *registers = ((ucontext_t *)raw)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)registers[REG_RIP];
    if (info->si_code == SI_KERNEL && code[0] == 0x0f && code[1] == 0xa2) {
        uint32_t leaf = registers[REG_RAX], sub = registers[REG_RCX], a = leaf, b, c = sub, d;
        allow_cpuid(1);
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        allow_cpuid(0);
        hide(leaf, sub, &a, &b, &c, &d);
        registers[REG_RAX] = a;
        registers[REG_RBX] = b;
        registers[REG_RCX] = c;
        registers[REG_RDX] = d;
        registers[REG_RIP] += 2;
    } else if (program_action.sa_flags & SA_SIGINFO) {
        program_action.sa_sigaction(number, info, raw);
    } else if (program_action.sa_handler != SIG_DFL && program_action.sa_handler != SIG_IGN) {
        program_action.sa_handler(number);
    } else {
        signal(number, SIG_DFL); /* the instruction faults again and ends the program */
    }
}

/* Keeps this file's SIGSEGV handler in place if the program sets its own, as Python's faulthandler does. */
int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    static int (*real)(int, const struct sigaction *, struct sigaction *);
    if (!real)
        real = (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_NEXT, "sigaction");
    if (number != SIGSEGV)
        return real(number, action, before);
    if (before)
        *before = program_action;
    if (action && action->sa_sigaction != on_fault)
        program_action = *action;
    else if (action)
        return real(number, action, NULL);
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("OLDER_CPU");
    struct sigaction own_action;
    if (name && !strcmp(name, "avx512"))
        level = AVX512;
    if (name && !strcmp(name, "generic"))
        level = GENERIC;
    memset(&own_action, 0, sizeof own_action);
    own_action.sa_sigaction = on_fault;
    own_action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    if (sigaction(SIGSEGV, &own_action, NULL) || allow_cpuid(0))
        _exit(77);
}
