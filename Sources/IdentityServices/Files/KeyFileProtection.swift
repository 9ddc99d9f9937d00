import MeshWire

/// What becomes of an identity whose private key's file others on the machine can read or write.
public enum KeyFileProtection: Sendable, Hashable {
    /// It is used all the same: a warning in the log for each finding, the gauge `mesh_identity_key_file_exposed` at 1, and
    /// ``FileIdentitySource/keyFileProblem``.
    case warned
    /// It is refused: none is made of it, and a renewed one with such a key is not taken up.
    case required
}

/// Whether a private key's file is its owner's alone, by PostgreSQL's rule for a server's key: the process's own user's
/// file, which nobody else may touch, or the superuser's, which a group may read as well, that being how a machine's
/// users are given a key that is not theirs to change.
enum PrivateKeyAccess {
    /// What is wrong; `nil` where nothing is, or where the runtime does not know.
    static func problem(with access: FileAccess?, at path: String) -> String? {
        guard let access else { return nil }
        let (group, others) = (access.permissions >> 3 & 0o7, access.permissions & 0o7)
        let mode = "its mode is 0\(String(access.permissions, radix: 8))"
        if case .other(let user) = access.owner {
            return "\(path): expected a private key of the process's own user or of root, found one of user \(user)"
        }
        if others != 0 {
            return "\(path): expected a private key that is not everybody's to read or write, \(mode)"
        }
        let allowed: UInt16 = access.owner == .root ? 0o4 : 0
        if group & ~allowed != 0 {
            return "\(path): expected a private key that its group may not "
                + "\(access.owner == .root ? "write" : "read or write"), \(mode)"
        }
        return nil
    }
}
