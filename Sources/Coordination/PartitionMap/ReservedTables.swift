/// The names of tables that are not their users' own.
package enum ReservedTables {
    /// What such names begin with.
    package static let prefix = "meshwork."

    /// Its only partition decides which pushes the rounds of a job are made of.
    package static let rounds = "meshwork.rounds"

    /// Those that a job may have made.
    static let known: Set<String> = [rounds]
}
