import CTensorKernels
import Foundation
import Testing

@Suite struct DispatchTests {
    @Test("every machine has the scalar path, and its paths are listed narrowest first")
    func pathsAreListed() {
        #expect(KernelPath.all.first?.isa == MW_ISA_SCALAR)
        let order = KernelPath.ofProducts.map(\.isa.rawValue)
        #expect(order == order.sorted())
        #expect(Set(order).count == order.count)
    }

    @Test("a table names its own path", arguments: KernelPath.ofProducts)
    func tableNamesItsPath(path: KernelPath) {
        // Reading a field of the table that lives as long as the process.
        let isa = unsafe path.kernels.isa
        #expect(isa == path.isa)
        #expect(
            ["scalar", "avx2", "avx512", "avx512vnni", "avx512bf16"][Int(path.isa.rawValue)] == path.testDescription)
    }

    @Test("the active table is the widest path, or the one that MESHWORK_ISA names")
    func activeTable() throws {
        let forced = ProcessInfo.processInfo.environment["MESHWORK_ISA"]
        let expected = KernelPath.ofProducts.first { $0.testDescription == forced } ?? KernelPath.ofProducts.last
        // The table lives as long as the process.
        let active = unsafe mw_active_kernels().pointee.isa
        #expect(active == expected?.isa)
    }

    @Test("beyond AVX-512, tables differ in products of bytes and of bf16 alone")
    func tablesBeyondAVX512() throws {
        guard let base = KernelPath.ofProducts.first(where: { $0.isa == MW_ISA_AVX512 }) else { return }
        for path in KernelPath.ofProducts where path.isa.rawValue > MW_ISA_AVX512.rawValue {
            var kernels = unsafe path.kernels
            let expected = unsafe base.kernels
            unsafe kernels.isa = expected.isa
            unsafe kernels.name = expected.name
            unsafe kernels.matrix.gemm_u8i8 = expected.matrix.gemm_u8i8
            unsafe kernels.matrix.gemm_bf16 = expected.matrix.gemm_bf16
            // A table is pointers and an enumeration, without gaps that matter: both came from one initialised table.
            let bytes = unsafe withUnsafeBytes(of: kernels) { unsafe Array($0) }
            let expectedBytes = unsafe withUnsafeBytes(of: expected) { unsafe Array($0) }
            #expect(bytes == expectedBytes)
        }
    }

    @Test("a path that does not exist has no table")
    func unknownPathHasNoTable() {
        let hasTable = unsafe mw_kernels_for(mw_isa(rawValue: 99)) != nil
        #expect(!hasTable)
    }
}
