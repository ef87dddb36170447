"""ONNX: graphs of every model, their quantization, and an engine that runs them with ONNX Runtime."""
