package import MeshWire
import NIOCore

/// A folder of checkpoints, by the names of its files: no file has two, and they sort by step.
///
/// ```
/// checkpoint-00000000000000001200.json                       the manifest, written last
/// checkpoint-00000000000000001200-00000-00003-00001.safetensors    partition 3 of the first table, in its epoch 1
/// checkpoint-….json.new                                      a manifest that was being written
/// lock                                                       open while somebody writes a checkpoint
/// ```
package struct CheckpointFolder: Sendable {
    package let path: String
    let runtime: any Runtime

    package init(_ path: String, on runtime: any Runtime) {
        self.path = path
        self.runtime = runtime
    }

    private static let prefix = "checkpoint-"
    private static let manifestSuffix = ".json"
    private static let newSuffix = ".new"
    private static let stepDigits = 20

    /// The name of a partition's file. It has the epoch, so that a head that was stopped and has made way for another
    /// cannot write to the other's file when it goes on.
    package static func fileName(step: UInt64, table: Int, partition: Int, epoch: UInt64) -> String {
        "\(stem(step, table: table, partition: partition))\(digits(epoch, 5)).safetensors"
    }

    private static func stem(_ step: UInt64, table: Int, partition: Int) -> String {
        "\(stem(step))-\(digits(table, 5))-\(digits(partition, 5))-"
    }

    private static func stem(_ step: UInt64) -> String { prefix + digits(step, stepDigits) }

    private static func digits(_ number: some BinaryInteger, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    /// The step of a file of this folder; `nil` for a name that is none of them.
    private static func step(of name: String) -> UInt64? {
        guard name.hasPrefix(prefix) else { return nil }
        return UInt64(name.dropFirst(prefix.count).prefix(stepDigits))
    }

    private static func fileName(of place: CheckpointManifest.File, step: UInt64) -> String {
        fileName(step: step, table: place.table, partition: place.index, epoch: place.entry.version.epoch)
    }

    package func file(_ place: CheckpointManifest.File, step: UInt64) -> String {
        "\(path)/\(Self.fileName(of: place, step: step))"
    }

    func manifestPath(_ step: UInt64) -> String { "\(path)/\(Self.stem(step))\(Self.manifestSuffix)" }

    // MARK: Reading

    /// The steps of the checkpoints that have a manifest, in ascending order.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointFailed``.
    package func steps() async throws(ParameterServerError) -> [UInt64] {
        try await names().compactMap { name in
            Self.step(of: name).flatMap { name == "\(Self.stem($0))\(Self.manifestSuffix)" ? $0 : nil }
        }
    }

    /// A checkpoint's manifest.
    ///
    /// - Throws: ``ParameterServerError`` with `checkpointInvalid`, which names the byte or the member, and
    ///   `checkpointFailed`.
    package func manifest(_ step: UInt64) async throws(ParameterServerError) -> CheckpointManifest {
        let path = manifestPath(step)
        let bytes: [UInt8]
        do throws(LogFileError) {
            let file = try await runtime.logs.open(path, mode: .reading)
            // One byte more than may be there, so that a larger file is told as such.
            let buffer = try await file.read(0..<Int64(CheckpointManifest.largestByteCount) + 1)
            await file.close()
            bytes = Array(buffer.readableBytesView)
        } catch {
            throw ParameterServerError(reading: error)
        }
        let manifest = try CheckpointManifest(bytes: bytes, path: path)
        guard manifest.step == step else {
            throw ParameterServerError(
                .checkpointInvalid,
                "\(path), step: it is of step \(manifest.step): give the file its own name, or go back to another checkpoint"
            )
        }
        return manifest
    }

    /// Checks that the folder has the files that the manifest names, and no others of its step but those that heads of
    /// earlier epochs have left.
    ///
    /// - Throws: ``ParameterServerError`` with `checkpointInvalid`, which names a file, and `checkpointFailed`.
    package func checkNames(of manifest: CheckpointManifest) async throws(ParameterServerError) {
        let step = manifest.step
        let expected = Set(
            manifest.files.map { Self.fileName(of: $0, step: step) }
                + ["\(Self.stem(step))\(Self.manifestSuffix)"])
        let found = Set(try await names().filter { Self.step(of: $0) == step })
        if let missing = expected.subtracting(found).min() {
            throw ParameterServerError(
                .checkpointInvalid,
                "\(path)/\(missing) is missing; restore the file from a copy, or go back to another checkpoint")
        }
        let places = Set(manifest.files.map { Self.stem(step, table: $0.table, partition: $0.index) })
        let others = found.subtracting(expected).filter { name in !places.contains { name.hasPrefix($0) } }
        if let extra = others.min() {
            throw ParameterServerError(
                .checkpointInvalid,
                "\(path)/\(extra) is none of the checkpoint's \(manifest.files.count) files: the folder is a mixture of several; move the file away if the others are the right ones"
            )
        }
    }

    /// What a file of a checkpoint has.
    ///
    /// - Throws: ``ParameterServerError`` with `checkpointInvalid`, which names the file and what is wrong in it, and
    ///   `checkpointFailed`.
    package func read(
        _ file: CheckpointManifest.File, step: UInt64
    ) async throws(ParameterServerError) -> PartitionSnapshot {
        try await PartitionFile(path: self.file(file, step: step), name: file.name, table: file.declaration)
            .read(file.entry, on: runtime)
    }

    /// Reads every byte of a checkpoint, and loads nothing.
    ///
    /// - Throws: as ``read(_:step:)``, for the first file that is not what was written.
    package func verify(_ manifest: CheckpointManifest) async throws(ParameterServerError) {
        try await checkNames(of: manifest)
        for file in manifest.files { _ = try await read(file, step: manifest.step) }
    }

    // MARK: Writing

    /// Runs `body` while nobody else writes a checkpoint to the folder, which is made if there is none, but not those
    /// above it.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointFailed`` if the folder is in use or cannot be written to, and
    ///   what `body` throws.
    func locked<Result>(
        _ body: () async throws(ParameterServerError) -> Result
    ) async throws(ParameterServerError) -> Result {
        _ = try await names()
        let lock: any LogFile
        do throws(LogFileError) {
            lock = try await runtime.logs.open("\(path)/lock", mode: .createIfAbsent)
        } catch {
            throw ParameterServerError(writing: error)
        }
        do throws(ParameterServerError) {
            let result = try await body()
            await lock.close()
            return result
        } catch {
            await lock.close()
            throw error
        }
    }

    /// Writes a manifest, which makes the files a checkpoint.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointFailed``.
    func write(_ manifest: CheckpointManifest) async throws(ParameterServerError) {
        let path = manifestPath(manifest.step)
        let bytes = manifest.bytes
        guard bytes.count <= CheckpointManifest.largestByteCount else {
            throw ParameterServerError(
                .checkpointFailed,
                "\(path): a manifest of \(bytes.count) bytes is over the limit of \(CheckpointManifest.largestByteCount): cut the tables into fewer partitions"
            )
        }
        do throws(LogFileError) {
            // The names of the partitions' files are durable before the name that makes them a checkpoint.
            try await runtime.logs.sync(folder: self.path)
            let file = try await runtime.logs.open(path + Self.newSuffix, mode: .createIfAbsent)
            do throws(LogFileError) {
                try await file.truncate(to: 0)
                try await file.append([ByteBuffer(bytes: bytes)])
                try await file.sync()
            } catch {
                await file.close()
                throw error
            }
            await file.close()
            try await runtime.logs.rename(path + Self.newSuffix, to: path)
            try await runtime.logs.sync(folder: self.path)
        } catch {
            throw ParameterServerError(writing: error)
        }
    }

    /// Removes what attempts that were interrupted have left. For whoever has the folder to itself.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointFailed``.
    func removeUnfinished() async throws(ParameterServerError) {
        let whole = Set(try await steps())
        try await remove(try await names().filter { name in Self.step(of: name).map { !whole.contains($0) } ?? false })
    }

    /// Removes all but the last `count` checkpoints, oldest first, each one's manifest before its files.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointFailed``.
    func keepLast(_ count: Int) async throws(ParameterServerError) {
        let steps = try await steps()
        guard steps.count > count else { return }
        for step in steps.dropLast(count) {
            let stem = Self.stem(step)
            try await remove(["\(stem)\(Self.manifestSuffix)"])
            try await remove(try await names().filter { $0.hasPrefix(stem) })
        }
    }

    private func remove(_ names: [String]) async throws(ParameterServerError) {
        guard !names.isEmpty else { return }
        do throws(LogFileError) {
            for name in names { try await runtime.logs.remove("\(path)/\(name)") }
            try await runtime.logs.sync(folder: path)
        } catch {
            throw ParameterServerError(writing: error)
        }
    }

    private func names() async throws(ParameterServerError) -> [String] {
        do throws(LogFileError) {
            return try await runtime.logs.list(path)
        } catch {
            throw ParameterServerError(
                .checkpointFailed, "\(error.path): \(error.message); name a folder that exists and may be written to",
                cause: error)
        }
    }
}
