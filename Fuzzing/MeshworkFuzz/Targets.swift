/// A decoder of bytes from outside: it may refuse them, and must not trap, hang or take memory without end.
struct FuzzTarget: Sendable {
    /// Gives it bytes.
    let decode: @Sendable ([UInt8]) -> Void
    /// Bytes that it accepts: what others are made of.
    let seeds: @Sendable () -> [[UInt8]]

    /// All, by the names that Scripts/fuzz.sh knows.
    static let all: [String: FuzzTarget] = [
        "server-connection": FuzzTarget(decode: Connections.server, seeds: Connections.clientSeeds),
        "client-connection": FuzzTarget(decode: Connections.client, seeds: Connections.serverSeeds),
        "server-call": FuzzTarget(decode: Calls.server, seeds: Calls.seeds),
        "client-call": FuzzTarget(decode: Calls.client, seeds: Calls.seeds),
        "early-acknowledgement": FuzzTarget(decode: Acknowledgements.move, seeds: Acknowledgements.seeds),
        "client-hello": FuzzTarget(decode: Hellos.read, seeds: Hellos.seeds),
        "header-text": FuzzTarget(decode: HeaderText.decode, seeds: HeaderText.seeds),
        "traceparent": FuzzTarget(decode: TraceContexts.decode, seeds: TraceContexts.seeds),
        "inflate": FuzzTarget(decode: Compression.inflate, seeds: Compression.seeds),
        "messages": FuzzTarget(decode: Messages.decode, seeds: Messages.seeds),
        "codable": FuzzTarget(decode: CodableValues.decode, seeds: CodableValues.seeds),
        "certificates": FuzzTarget(decode: Certificates.read, seeds: Certificates.seeds),
        "credential-files": FuzzTarget(decode: CredentialFiles.read, seeds: CredentialFiles.seeds),
        "spiffe-id": FuzzTarget(decode: Identities.spiffeID, seeds: Identities.spiffeIDSeeds),
        "bundle-document": FuzzTarget(decode: Identities.bundleDocument, seeds: Identities.bundleDocumentSeeds),
        "jwt-svid": FuzzTarget(decode: Identities.token, seeds: Identities.tokenSeeds),
        "identity-texts": FuzzTarget(decode: IdentityTexts.read, seeds: IdentityTexts.seeds),
        "identity-documents": FuzzTarget(decode: Identities.document, seeds: Identities.documentSeeds),
        "dns-message": FuzzTarget(decode: Discovery.message, seeds: Discovery.messageSeeds),
        "endpoint-list": FuzzTarget(decode: Discovery.list, seeds: Discovery.listSeeds),
        "configuration-file": FuzzTarget(decode: ConfigurationFiles.read, seeds: ConfigurationFiles.seeds),
        "log-file": FuzzTarget(decode: Logs.read, seeds: Logs.seeds),
        "checkpoint-manifest": FuzzTarget(decode: Files.manifest, seeds: Files.manifestSeeds),
        "partition-file": FuzzTarget(decode: Snapshots.file, seeds: Snapshots.fileSeeds),
        "snapshot-pieces": FuzzTarget(decode: Snapshots.assemble, seeds: Snapshots.seeds),
        "safetensors": FuzzTarget(decode: Files.safetensors, seeds: Files.safetensorsSeeds),
        "npy": FuzzTarget(decode: TensorArrays.array, seeds: TensorArrays.arraySeeds),
        "npz": FuzzTarget(decode: TensorArrays.archive, seeds: TensorArrays.archiveSeeds),
        "csv": FuzzTarget(decode: TextTables.read, seeds: TextTables.seeds),
        "gradients": FuzzTarget(decode: Gradients.decode, seeds: Gradients.seeds),
        "infer-request": FuzzTarget(decode: Files.inferRequest, seeds: Files.inferRequestSeeds),
    ]
}
