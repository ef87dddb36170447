"""ONNX: export of every model, 8-bit quantization, and an engine that runs the graphs with ONNX Runtime."""
