import ArgumentParser
import DigitsKit

@main
enum DigitsProgram {
    static func main() async {
        await DigitsCommand.main()
    }
}
