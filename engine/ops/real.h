/* The number type of everything that is differentiated. The program is built
 * with float; `make gradcheck` builds the same sources with double (-DREAL_DOUBLE)
 * and compares gradients with central differences there. */
#ifndef ENGINE_OPS_REAL_H
#define ENGINE_OPS_REAL_H

#include <math.h>

#ifdef REAL_DOUBLE
typedef double real;
#define REAL(x) x
#define REAL_F(name) name
#else
typedef float real;
#define REAL(x) x##f
#define REAL_F(name) name##f
#endif

/* REAL(1.0) is 1.0f or 1.0; real_exp is expf or exp. */
#define real_exp REAL_F(exp)
#define real_log REAL_F(log)
#define real_sqrt REAL_F(sqrt)
#define real_erf REAL_F(erf)
#define real_fabs REAL_F(fabs)
#define real_fmax REAL_F(fmax)
#define real_cos REAL_F(cos)
#define real_sin REAL_F(sin)
#define real_pow REAL_F(pow)
#define real_tanh REAL_F(tanh)

#endif
