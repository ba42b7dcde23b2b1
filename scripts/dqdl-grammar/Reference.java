import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import software.amazon.glue.dqdl.exception.InvalidDataQualityRulesetException;
import software.amazon.glue.dqdl.model.DQRule;
import software.amazon.glue.dqdl.parser.DQDLParser;

/**
 * Answers for each line of standard input (a ruleset in Base64) what the official parser says of it: "accepted" and the
 * canonical text of each rule, "refused" or "crashed" and the message; fields are parted by tabs, texts are in Base64.
 */
public final class Reference {
  public static void main(String[] arguments) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    PrintStream output = new PrintStream(System.out, false, StandardCharsets.US_ASCII);
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      output.print(answer(new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8)) + "\n");
    }
    output.flush();
  }

  private static String answer(String ruleset) {
    try {
      List<DQRule> rules = new DQDLParser().parse(ruleset).getRules();
      return "accepted" + rules.stream().map(rule -> "\t" + encode(rule.toString())).collect(Collectors.joining());
    } catch (InvalidDataQualityRulesetException refusal) {
      return "refused\t" + encode(refusal.getMessage());
    } catch (RuntimeException crash) {
      return "crashed\t" + encode(crash.toString());
    }
  }

  private static String encode(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
