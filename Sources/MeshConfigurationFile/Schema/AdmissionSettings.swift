import MeshTransport

extension AdmissionPolicy {
    /// Reads a list of rules.
    init?(_ setting: Setting) {
        guard let rules = setting.list("a list of rules")?.compactMap({ AdmissionRule($0) }) else { return nil }
        setting.noteDuplicates(of: rules.map(\.name))
        self.init(rules: rules)
    }
}

extension AdmissionRule {
    fileprivate init?(_ setting: Setting) {
        var (name, services) = ("", [String]())
        var limit: ConcurrencyLimit?
        var queue: Int?
        setting.mapping { keys in
            name = keys.required("name", "a text") { $0.text() } ?? ""
            keys.read("services", &services) { $0.texts("a list of services") }
            limit = keys.required("limit", "a number of calls, or a mapping for one that follows latency") {
                ConcurrencyLimit($0, over: nil)
            }
            keys.read("queue", &queue) { $0.count(from: 0) }
        }
        guard !name.isEmpty, let limit else { return nil }
        self.init(name, services: services, limit: limit)
        self.queue = queue ?? self.queue
    }
}
