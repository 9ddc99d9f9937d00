extension Tensor {
    /// The elements that an index names, without a copy: `x[2]`, `x[-1]`, `x[1..<3]`, `x[.newAxis]`. Assignment puts a
    /// tensor that broadcasts there, in place where nothing else refers to the storage. Traps for what lies outside.
    public subscript(_ first: some TensorIndexConvertible) -> Tensor {
        get { self[indices: [first.tensorIndex]] }
        set { self[indices: [first.tensorIndex]] = newValue }
    }

    /// The elements that indices name, one for each axis: `x[0, .all]`, `x[.ellipsis, 1...]`,
    /// `x[.stride(by: -1), .newAxis, 3]`. As for one index.
    public subscript(_ first: some TensorIndexConvertible, _ second: some TensorIndexConvertible) -> Tensor {
        get { self[indices: [first.tensorIndex, second.tensorIndex]] }
        set { self[indices: [first.tensorIndex, second.tensorIndex]] = newValue }
    }

    /// The elements that indices name, one for each axis: `x[0, .all]`, `x[.ellipsis, 1...]`,
    /// `x[.stride(by: -1), .newAxis, 3]`. As for one index.
    public subscript(
        _ first: some TensorIndexConvertible, _ second: some TensorIndexConvertible,
        _ third: some TensorIndexConvertible
    ) -> Tensor {
        get { self[indices: [first.tensorIndex, second.tensorIndex, third.tensorIndex]] }
        set { self[indices: [first.tensorIndex, second.tensorIndex, third.tensorIndex]] = newValue }
    }

    /// The elements that indices name, one for each axis: `x[0, .all]`, `x[.ellipsis, 1...]`,
    /// `x[.stride(by: -1), .newAxis, 3]`. As for one index.
    public subscript(
        _ first: some TensorIndexConvertible, _ second: some TensorIndexConvertible,
        _ third: some TensorIndexConvertible, _ fourth: some TensorIndexConvertible
    ) -> Tensor {
        get { self[indices: [first.tensorIndex, second.tensorIndex, third.tensorIndex, fourth.tensorIndex]] }
        set {
            self[indices: [first.tensorIndex, second.tensorIndex, third.tensorIndex, fourth.tensorIndex]] = newValue
        }
    }

    /// The elements that indices name, one for each axis: `x[0, .all]`, `x[.ellipsis, 1...]`,
    /// `x[.stride(by: -1), .newAxis, 3]`. As for one index.
    public subscript(
        _ first: some TensorIndexConvertible, _ second: some TensorIndexConvertible,
        _ third: some TensorIndexConvertible, _ fourth: some TensorIndexConvertible,
        _ fifth: some TensorIndexConvertible
    ) -> Tensor {
        get {
            self[indices: [
                first.tensorIndex, second.tensorIndex, third.tensorIndex, fourth.tensorIndex, fifth.tensorIndex,
            ]]
        }
        set {
            self[indices: [
                first.tensorIndex, second.tensorIndex, third.tensorIndex, fourth.tensorIndex, fifth.tensorIndex,
            ]] = newValue
        }
    }

    /// The elements that indices name, one for each axis: `x[0, .all]`, `x[.ellipsis, 1...]`,
    /// `x[.stride(by: -1), .newAxis, 3]`. As for one index.
    public subscript(
        _ first: some TensorIndexConvertible, _ second: some TensorIndexConvertible,
        _ third: some TensorIndexConvertible, _ fourth: some TensorIndexConvertible,
        _ fifth: some TensorIndexConvertible, _ sixth: some TensorIndexConvertible
    ) -> Tensor {
        get {
            self[indices: [
                first.tensorIndex, second.tensorIndex, third.tensorIndex, fourth.tensorIndex, fifth.tensorIndex,
                sixth.tensorIndex,
            ]]
        }
        set {
            self[indices: [
                first.tensorIndex, second.tensorIndex, third.tensorIndex, fourth.tensorIndex, fifth.tensorIndex,
                sixth.tensorIndex,
            ]] = newValue
        }
    }

    /// The elements that indices name, one for each axis: as many as there are.
    public subscript(indices indices: [TensorIndex]) -> Tensor {
        get { Tensor { () throws(TensorError) in try core.indexed(by: indices) } }
        set { trapping { () throws(TensorError) in try core.assign(newValue.core, at: indices) } }
    }
}
