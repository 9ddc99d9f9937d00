extension Primitive {
    /// Elements brought into an order, or found by it. Their ids are 8,000 to 8,999.
    static let allSorting: [Primitive] = [
        sort, argsort, leadingPlaces, takePlaces, spreadPlaces, kthSmallest, quantile, searchSorted,
    ]
}
