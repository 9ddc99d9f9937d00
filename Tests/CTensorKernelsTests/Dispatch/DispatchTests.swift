import CTensorKernels
import Foundation
import Testing

@Suite struct DispatchTests {
    @Test("every machine has the scalar path, and its paths are listed narrowest first")
    func pathsAreListed() {
        #expect(KernelPath.all.first?.isa == MW_ISA_SCALAR)
        let order = KernelPath.all.map(\.isa.rawValue)
        #expect(order == order.sorted())
        #expect(Set(order).count == order.count)
    }

    @Test("a table names its own path", arguments: KernelPath.all)
    func tableNamesItsPath(path: KernelPath) {
        // Reading a field of the table that lives as long as the process.
        let isa = unsafe path.kernels.isa
        #expect(isa == path.isa)
        #expect(["scalar", "avx2", "avx512"][Int(path.isa.rawValue)] == path.testDescription)
    }

    @Test("the active table is the widest path, or the one that MESHWORK_ISA names")
    func activeTable() throws {
        let forced = ProcessInfo.processInfo.environment["MESHWORK_ISA"]
        let expected = KernelPath.all.first { $0.testDescription == forced } ?? KernelPath.all.last
        // The table lives as long as the process.
        let active = unsafe mw_active_kernels().pointee.isa
        #expect(active == expected?.isa)
    }

    @Test("a path that does not exist has no table")
    func unknownPathHasNoTable() {
        let hasTable = unsafe mw_kernels_for(mw_isa(rawValue: 99)) != nil
        #expect(!hasTable)
    }
}
