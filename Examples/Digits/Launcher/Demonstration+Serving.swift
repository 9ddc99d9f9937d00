import ProcessKit

extension Demonstration {
    /// Keeps serving until a stop signal; writes the operator's credentials first, if they are wanted.
    func serve(_ modelServer: MeshProcess, _ coordinator: MeshProcess) async throws -> Never {
        let http = try modelServer.endpoint("http")
        console.print(["", "Serving digits at https://localhost:\(http.port)/v2/models/digits/infer"])
        if let directory = options.credentials {
            let membership = try await coordinator.membership(for: launch.identities.operator)
            let credentials = try await OperatorCredentials.write(joining: membership, to: directory)
            console.print(
                "Credentials for \(launch.identities.operator), readable by you alone, are in \(directory). Try:")
            console.print("  " + credentials.curlCommand(port: http.port))
        }
        console.print("Ctrl-C stops.")
        try await launch.family.untilStopSignal()
    }
}
