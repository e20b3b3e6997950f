"""Double precision of JAX as a context, wherever the installed version has it."""

try:
    from jax import enable_x64 as enable_x64
except ImportError:  # before 0.8
    from jax.experimental import enable_x64 as enable_x64
