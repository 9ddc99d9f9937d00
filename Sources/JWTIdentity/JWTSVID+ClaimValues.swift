import Identity

extension JWTSVID {
    /// The claims that are a text, a number, true or false, or a list of these, by name, as
    /// ``/Identity/AuthorizationPolicy``'s rules ask for them. Others, objects among them, are left out.
    public var claimValues: [String: [String]] {
        let limits = JSONParser.Limits(bytes: claims.count, values: 1_024)
        // They were read when the token was validated.
        guard let json = try? JSONParser.parse(claims, limits: limits), case .object(let members) = json else {
            return [:]
        }
        var values: [String: [String]] = [:]
        for member in members {
            if let list = member.value.array {
                let texts = list.compactMap(Self.text)
                if texts.count == list.count { values[member.name] = texts }
            } else if let text = Self.text(member.value) {
                values[member.name] = [text]
            }
        }
        return values
    }

    private static func text(_ value: JSON) -> String? {
        switch value {
        case .string(let text), .number(let text): text
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}
