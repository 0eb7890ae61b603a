"""Peers of our ONNX reader and writer: the `onnx` package and ONNX Runtime.

For each supported operator a small model is made with `onnx.helper` (typed data, packed fields), read and written again by
oddity, and then must pass `onnx.checker` with shape inference, hold the same nodes, and give the same numbers as the
original in ONNX Runtime. Usage: onnx_peer_test.py PATH_OF_onnx_copy. Exit code 77 (skipped) without the packages.
"""

import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, checker, helper, numpy_helper
except ImportError as error:
    print(f"skipped: {error} (pip install onnx onnxruntime numpy)")
    sys.exit(77)

I = [1, 2, 6, 8]  # the usual input [N, C, H, W]


def const(name, values, dtype=np.float32):
    """An initialiser with typed data (float_data, int64_data...), which our writer turns into raw data."""
    array = np.asarray(values, dtype=dtype)
    return helper.make_tensor(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.flatten().tolist())


def raw(name, array):
    return numpy_helper.from_array(array, name)


rng = np.random.default_rng(7)
W = rng.normal(size=(4, 2, 3, 3)).astype(np.float32)
WT = rng.normal(size=(2, 3, 2, 2)).astype(np.float32)
M = rng.normal(size=(8, 5)).astype(np.float32)


def ints(*values):
    return np.asarray(values, dtype=np.int64)


# operator -> (inputs after x, attributes); an input is an array (made an initialiser) or None (left out).
UNARY = {op: ([], {}) for op in ("Abs Exp Identity Neg Reciprocal Relu Sigmoid Tanh GlobalAveragePool GlobalMaxPool").split()}
BINARY = {op: ([rng.normal(size=(1, 2, 1, 1)).astype(np.float32)], {}) for op in "Add Div Max Min Mul Sub".split()}
CASES = {
    **UNARY,
    **BINARY,
    "AveragePool": ([], dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=0)),
    "BatchNormalization": ([np.float32([1, 2]), np.float32([0, 1]), np.float32([0.5, -0.5]), np.float32([1, 4])], dict(epsilon=1e-3)),
    "Cast": ([], dict(to=TensorProto.DOUBLE)),
    "Clip": ([np.float32(-0.5), np.float32(0.5)], {}),
    "Concat": ([np.ones(I, np.float32)], dict(axis=1)),
    "Conv": ([W, np.float32([1, 2, 3, 4])], dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], group=1)),
    "ConvTranspose": ([WT], dict(strides=[2, 2])),
    "DepthToSpace": None,
    "Expand": ([ints(3, 2, 6, 8)], {}),
    "Flatten": ([], dict(axis=2)),
    "Gather": ([ints(1, 0, 1)], dict(axis=1)),
    "Gemm": None,
    "Greater": ([np.float32(0)], {}),
    "LeakyRelu": ([], dict(alpha=0.2)),
    "Less": ([np.float32(0)], {}),
    "Log": None,
    "MatMul": ([M], {}),
    "MaxPool": ([], dict(kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)),
    "Pad": ([ints(0, 0, 1, 2, 0, 0, 3, 1)], dict(mode="reflect")),
    "Pow": ([np.float32(2)], {}),
    "ReduceMax": ([], dict(axes=[1], keepdims=1)),
    "ReduceMean": ([], dict(axes=[2, 3], keepdims=0)),
    "ReduceMin": ([], dict(axes=[3])),
    "ReduceSum": ([ints(1, 2)], dict(keepdims=0)),
    "Reshape": ([ints(0, -1)], dict(allowzero=0)),
    "Resize": ([None, np.float32([1, 1, 2, 2])], dict(mode="linear", coordinate_transformation_mode="half_pixel")),
    "Shape": ([], {}),
    "Slice": ([ints(1, 7), ints(5, 0), ints(2, 3), ints(1, -2)], {}),
    "Softmax": ([], dict(axis=1)),
    "SpaceToDepth": ([], dict(blocksize=2)),
    "Sqrt": None,
    "Squeeze": ([ints(0)], {}),
    "TopK": ([ints(3)], dict(axis=-1, largest=1, sorted=1)),
    "Transpose": ([], dict(perm=[0, 2, 3, 1])),
    "Unsqueeze": ([ints(0, -1)], {}),
    "Where": None,
}


def model_of(op):
    nodes, initializers = [], []
    x = "x"

    def add(kind, inputs, outputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, outputs, name=f"{kind}_{len(nodes)}", **attributes))

    def initializer(value, typed=True):
        name = f"c{len(initializers)}"
        initializers.append(const(name, value, value.dtype) if typed else raw(name, value))
        return name

    outputs = ["y"]
    if op in ("Log", "Sqrt"):
        add("Abs", ["x"], ["positive"])
        add(op, ["positive"], ["y"])
    elif op == "DepthToSpace":
        add("SpaceToDepth", ["x"], ["deep"], blocksize=2)
        add(op, ["deep"], ["y"], blocksize=2, mode="CRD")
    elif op == "Gemm":
        add("Flatten", ["x"], ["flat"], axis=1)
        add(op, ["flat", initializer(rng.normal(size=(3, 96)).astype(np.float32), typed=False)], ["y"], transB=1, alpha=0.5)
    elif op == "Where":
        add("Greater", ["x", initializer(np.float32(0))], ["mask"])
        add(op, ["mask", "x", initializer(np.float32(-1))], ["y"])
    else:
        more, attributes = CASES[op]
        names = ["" if value is None else initializer(np.asarray(value)) for value in more]
        if op == "TopK":
            outputs = ["y", "indices"]
        add(op, [x, *names], outputs, **attributes)
    infos = [helper.make_tensor_value_info("x", TensorProto.FLOAT, I)]
    graph = helper.make_graph(nodes, op, infos, [helper.make_empty_tensor_value_info(name) for name in outputs], initializers)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    types = {info.name: info for info in model.graph.output}
    missing = [name for name, info in types.items() if not info.type.HasField("tensor_type")]
    assert not missing, f"no type inferred for {missing}"
    return model


def copy(tool, model, folder):
    source, target = folder / "in.onnx", folder / "out.onnx"
    source.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    done = subprocess.run([tool, source, target], capture_output=True, text=True)
    return done, target


def run(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


def main():
    tool = sys.argv[1]
    operators = subprocess.run([tool, "--operators"], capture_output=True, text=True, check=True).stdout.split()
    assert operators == sorted(operators)
    assert set(operators) == set(CASES), set(operators) ^ set(CASES)
    x = rng.normal(size=I).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for op in operators:
            original = model_of(op)
            done, target = copy(tool, original, folder)
            assert done.returncode == 0, f"{op}: {done.stderr}"
            ours = onnx.load(target)
            checker.check_model(ours, full_check=True)
            assert ours.ir_version == 8 and ours.opset_import[0].version == 17
            for a, b in zip(original.graph.node, ours.graph.node, strict=True):
                assert (a.op_type, a.name, list(a.input), list(a.output)) == (b.op_type, b.name, list(b.input), list(b.output))
                assert sorted(map(str, a.attribute)) == sorted(map(str, b.attribute)), op
            for a, b in zip(original.graph.initializer, ours.graph.initializer, strict=True):
                np.testing.assert_array_equal(numpy_helper.to_array(a), numpy_helper.to_array(b))
            for a, b in zip(run(original, x), run(ours, x), strict=True):
                np.testing.assert_array_equal(a, b)
            again, target = copy(tool, target.read_bytes(), folder)
            assert again.returncode == 0 and target.read_bytes() == (folder / "in.onnx").read_bytes(), f"{op}: not a fixed point"

        # One number by hand through the whole chain: 1x1 convolution, 2 * x0 - x1 + 0.5.
        node = helper.make_node("Conv", ["x", "w", "b"], ["y"])
        graph = helper.make_graph(
            [node], "by_hand", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2, "h", "w"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, "h", "w"])],
            [const("w", np.float32([2, -1]).reshape(1, 2, 1, 1)), const("b", np.float32([0.5]))])
        done, target = copy(tool, helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), folder)
        assert done.returncode == 0, done.stderr
        ours = onnx.load(target)
        assert [d.dim_param for d in ours.graph.input[0].type.tensor_type.shape.dim] == ["d0", "", "d2", "d3"]
        np.testing.assert_allclose(run(ours, x)[0], 2 * x[:, :1] - x[:, 1:] + 0.5, rtol=1e-6)

        # What must be refused, each with the words that say why.
        sine = helper.make_graph([helper.make_node("Sin", ["x"], ["y"])], "sine",
                                 [helper.make_tensor_value_info("x", TensorProto.FLOAT, I)],
                                 [helper.make_tensor_value_info("y", TensorProto.FLOAT, I)])
        relu = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", list(sine.input), list(sine.output))
        external = helper.make_model(relu, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
        weights = external.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1])
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value="other.bin")
        branch = helper.make_graph([helper.make_node("If", ["x"], ["y"], then_branch=relu, else_branch=relu)], "branch",
                                   list(sine.input), list(sine.output))
        for model, words in [
            (helper.make_model(sine, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), "'Sin'"),
            (helper.make_model(relu, ir_version=8, opset_imports=[helper.make_opsetid("", 18)]), "operator set; got 18"),
            (helper.make_model(relu, ir_version=10, opset_imports=[helper.make_opsetid("", 17)]), "IR version; got 10"),
            (external, "in another file"),
            (helper.make_model(branch, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), "attribute type 5"),
        ]:
            done, _ = copy(tool, model, folder)
            assert done.returncode == 1 and words in done.stderr, (done.returncode, done.stderr)
    print(f"{len(operators)} operators agree with onnx {onnx.__version__} and ONNX Runtime {onnxruntime.__version__}")


main()
