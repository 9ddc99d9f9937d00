import Identity
package import MeshTransport
import MeshWire
import Synchronization

/// Tells every registered server which sessions may push, all at once, and asks single ones whether they live.
///
/// Safe to use from any task; keeps one client a server life behind a mutex.
final class FencedServers: Sendable {
    /// What the servers answered.
    struct Report: Sendable {
        /// In the order of partition numbers.
        var applied: [AppliedPushes] = []
        /// The partitions of servers that did not answer in time, or are lost, and those that an answer had no room for.
        var unknown: [PartitionID] = []
    }

    /// How a server in this process takes a fence.
    typealias Take = @Sendable (FenceOrder) async -> FenceReport

    private let mesh: Mesh
    /// The servers of this process, by their lives.
    private let local = Mutex<[UInt64: Take]>([:])
    private let clients = Mutex<[String: (record: ServerRecord, client: MeshClient)]>([:])

    init(_ mesh: Mesh) { self.mesh = mesh }

    /// Has the server of this life, in this process, given its fences without a call.
    func give(toLife life: UInt64, _ take: @escaping Take) { local.withLock { $0[life] = take } }

    /// Sends `order` to the living servers of `map` and waits until each has answered or the time is over. Lost ones get the
    /// fence when they register again, before they count.
    func tell(_ map: PartitionMap, _ order: FenceOrder, within timeout: Duration) async -> Report {
        let answers = await withTaskGroup(of: (Int, FenceReport?).self) { group in
            for (index, server) in map.servers.enumerated() where map.isLiving(server.name) {
                if let take = local.withLock({ $0[server.life] }) {
                    group.addTask { (index, await take(order)) }
                    continue
                }
                let client = client(for: server)
                group.addTask {
                    (index, try? await client.call(SessionFencing.fence, order, timeout: timeout))
                }
            }
            var answers: [FenceReport?] = Array(repeating: nil, count: map.servers.count)
            for await (index, report) in group { answers[index] = report }
            return answers
        }
        var report = Report()
        for (server, answer) in zip(map.servers, answers) {
            if let answer {
                report.applied += answer.applied
                guard answer.isCut else { continue }
                let told = Set(answer.applied.lazy.map(\.partition))
                report.unknown += map.partitions(headedBy: server.name).filter { !told.contains($0) }
            } else {
                report.unknown += map.partitions(headedBy: server.name)
            }
        }
        report.applied.sort { $0.partition < $1.partition }
        report.unknown.sort()
        return report
    }

    /// Which life answers where a server is.
    func ask(_ server: ServerRecord, within timeout: Duration) async -> Result<UInt64, MeshError> {
        guard local.withLock({ $0[server.life] }) == nil else { return .success(server.life) }
        do throws(MeshError) {
            let client = client(for: server)
            return .success(try await client.call(SessionFencing.probe, EmptyMessage(), timeout: timeout).life)
        } catch {
            return .failure(error)
        }
    }

    private func client(for server: ServerRecord) -> MeshClient {
        clients.withLock { clients in
            if let known = clients[server.name] {
                if known.record == server { return known.client }
                known.client.close()
            }
            let client = mesh.client(server.destination)
            clients[server.name] = (server, client)
            return client
        }
    }
}

extension ServerRecord {
    /// Where to call the server, and who must answer there.
    package var destination: Destination {
        Destination(host: host, port: port, identities: [.exact(identity)])
    }
}
