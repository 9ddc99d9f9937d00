public import Tensor

extension NumPyArchive {
    /// Writes tensors to a file, in place of the one that is there, if any.
    ///
    /// Elements are streamed to a new file beside it, one tensor after the other, which takes the name when all of it is
    /// on disk: a reader, and a machine that loses power, see the old file or the new one.
    ///
    /// - Throws: `TensorError.Code.fileUnwritable`, also for a name of more than 65,531 bytes or with a zero byte,
    ///   `TensorError.Code.valuesUnknown` for an abstract tensor, `TensorError.Code.notDense` for a row-sparse one.
    public static func write(
        _ tensors: NamedTensors, to path: String, compression: Compression = .stored
    ) throws(TensorError) {
        try requireValues(tensors)
        let sink = try FileSink(path)
        try write(tensors, ZipWriter(to: sink), compression)
        try sink.commit()
    }

    /// The bytes of a file that holds the tensors.
    ///
    /// - Throws: as ``write(_:to:compression:)``.
    public static func encode(
        _ tensors: NamedTensors, compression: Compression = .stored
    ) throws(TensorError) -> [UInt8] {
        try encode(tensors, compression: compression, wideFrom: UInt64(UInt32.max))
    }

    /// ``encode(_:compression:)``, with 64-bit sizes from a value on that a test can reach.
    package static func encode(
        _ tensors: NamedTensors, compression: Compression, wideFrom: UInt64
    ) throws(TensorError) -> [UInt8] {
        try requireValues(tensors)
        let sink = ArraySink()
        try write(tensors, ZipWriter(to: sink, wideFrom: wideFrom), compression)
        return sink.bytes
    }

    private static func requireValues(_ tensors: NamedTensors) throws(TensorError) {
        for (name, tensor) in tensors where tensor.isAbstract {
            try tensors.requireDense(name)
            throw TensorError(.valuesUnknown, "tensor \"\(name)\" is abstract and has no values to write")
        }
    }

    private static func write(
        _ tensors: NamedTensors, _ writer: ZipWriter<some ByteSink>, _ compression: Compression
    ) throws(TensorError) {
        var writer = writer
        for (name, tensor) in tensors {
            let head = NumPyHead.encode(shape: tensor.shape, dtype: tensor.dtype)
            unsafe try writer.append(
                name + suffix, method: compression == .stored ? .stored : .deflated,
                byteCount: head.count + tensor.byteCount
            ) { append throws(TensorError) in
                try head.withRawBytes { bytes throws(TensorError) in unsafe try append(bytes) }
                try tensor.forEachPiece { bytes throws(TensorError) in unsafe try append(bytes) }
            }
        }
        try writer.finish()
    }
}
