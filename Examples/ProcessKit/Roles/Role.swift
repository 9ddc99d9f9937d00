/// The work of one kind of child process. One file a role.
package protocol Role {
    /// What the launcher sends the child first.
    associatedtype Configuration: Sendable

    /// The role's own part of a `start` command, nil when the command is another role's.
    static func configuration(in start: RoleConfiguration) -> Configuration?

    /// Does the role's work until it is done or `control.untilStopped()` returns, and leaves nothing running.
    ///
    /// An error ends the process; the launcher prints its description with the child's name.
    static func run(_ configuration: Configuration, control: RoleControl) async throws
}
