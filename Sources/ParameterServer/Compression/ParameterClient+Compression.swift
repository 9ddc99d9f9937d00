import MeshWire
public import Tensor

extension ParameterClient {
    /// What compression with error feedback has left out of this worker's gradients so far, by table and in its shape:
    /// to be kept beside the worker's own files, as ``/Tensor/Safetensors`` for example, and given to
    /// ``restore(compressionResiduals:)`` when the worker starts again. Take it between steps: a push that is under way
    /// is counted as sent.
    ///
    /// - Throws: ``ParameterServerError`` with `unknownParameter` before tables are declared, `applyFailed` for lack
    ///   of memory.
    public func compressionResiduals() throws(ParameterServerError) -> NamedTensors {
        let tables = try routes.tables().tables
        do throws(TensorError) {
            return try compressor.kept(tables)
        } catch {
            throw ParameterServerError(.applyFailed, error.message, cause: error)
        }
    }

    /// Goes on with what ``compressionResiduals()`` of an earlier life of this worker gave. Without it the worker
    /// begins with nothing left out, and what was left out then is lost.
    ///
    /// - Throws: ``ParameterServerError`` with `unknownParameter`, `shapeMismatch` or `dtypeMismatch`; then nothing
    ///   has changed.
    public func restore(compressionResiduals: NamedTensors) throws(ParameterServerError) {
        try compressor.restore(compressionResiduals, try routes.tables().tables)
    }
}
