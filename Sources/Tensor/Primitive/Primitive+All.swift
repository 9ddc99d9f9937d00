extension Primitive {
    /// Every primitive there is, family by family, each in a list beside its primitives. The tests walk it: for ids that
    /// two have, for derivatives that are pending, and for finite differences of those that are not.
    package static let all: [Primitive] =
        allElementwise + allViews + allReductions + allRows + allMatrices + allIndexing + allSorting + allConvolutions
}
