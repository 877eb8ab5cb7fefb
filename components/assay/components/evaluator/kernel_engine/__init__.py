"""The evaluation of tables of predictions by the metric kernels: TFMA's configuration and meaning, without TFMA."""
