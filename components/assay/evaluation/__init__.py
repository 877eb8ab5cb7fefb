"""How good a model is: its metrics by slice, and the gate's decision on them, by our kernels or by TFMA."""
