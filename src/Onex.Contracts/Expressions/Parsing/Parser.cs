using System.Collections.Immutable;
using System.Globalization;
using Onex.Contracts.Expressions.Evaluation;
using Onex.Contracts.Expressions.Patterns;
using Onex.Contracts.Text;

namespace Onex.Contracts.Expressions.Parsing;

/// <summary>
/// Parses tokens into a syntax tree by recursive descent, and finds functions by name and number of arguments. An instance parses one
/// expression.
/// </summary>
/// <param name="tokens">The tokens of the expression.</param>
/// <param name="checkFunctions">Whether an unknown function is an error here; otherwise its evaluation fails.</param>
internal sealed class Parser(List<Token> tokens, bool checkFunctions)
{
    private static readonly string[] _keywords = ["false", "in", "null", "true"];

    private static readonly string[] _reserved =
    [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return",
        "var", "void", "while",
    ];

    private static readonly string[][] _operatorsByPrecedence = [["==", "!=", "<", "<=", ">", ">=", "in"], ["+", "-"], ["*", "/", "%"]];

    private readonly List<string> _variables = [];
    private int _at;
    private int _depth;

    private Token Current => tokens[_at];

    public Syntax Parse()
    {
        if (Current.Kind == TokenKind.End)
        {
            throw Fail(Current, "the expression is empty", "write an expression, such as input.total > 10");
        }

        var root = ParseExpression();
        if (Current.Kind != TokenKind.End)
        {
            throw Unexpected("an operator or the end");
        }

        return root;
    }

    private Syntax ParseExpression()
    {
        if (++_depth > ExpressionLimits.Depth)
        {
            throw TooDeep(Current);
        }

        var condition = ParseLogic(isAnd: false);
        if (Take("?"))
        {
            var then = ParseLogic(isAnd: false);
            Expect(":", "the other half of the conditional a ? b : c");
            var otherwise = ParseExpression();
            var node = new ConditionalSyntax(condition, then, otherwise, condition.Position, otherwise.End - condition.Position);
            condition = CheckDepth(Syntax.WithHeight(node, condition, then, otherwise));
        }

        _depth--;
        return condition;
    }

    private Syntax ParseLogic(bool isAnd)
    {
        var first = isAnd ? ParseBinary(0) : ParseLogic(isAnd: true);
        var symbol = isAnd ? "&&" : "||";
        if (!Current.Is(symbol))
        {
            return first;
        }

        var operands = ImmutableArray.CreateBuilder<Syntax>();
        operands.Add(first);
        while (Take(symbol))
        {
            operands.Add(isAnd ? ParseBinary(0) : ParseLogic(isAnd: true));
        }

        var node = new LogicSyntax(isAnd, operands.ToImmutable(), first.Position, operands[^1].End - first.Position);
        return CheckDepth(Syntax.WithHeight(node, operands.ToArray()));
    }

    private Syntax ParseBinary(int precedence)
    {
        if (precedence == _operatorsByPrecedence.Length)
        {
            return ParseUnary();
        }

        var left = ParseBinary(precedence + 1);
        while (Current.Kind is TokenKind.Symbol or TokenKind.Identifier && _operatorsByPrecedence[precedence].Contains(Current.Text))
        {
            var symbol = tokens[_at++].Text;
            var right = ParseBinary(precedence + 1);
            var node = new BinarySyntax(symbol, left, right, left.Position, right.End - left.Position);
            left = CheckDepth(Syntax.WithHeight(node, left, right));
        }

        return left;
    }

    private Syntax ParseUnary()
    {
        var first = _at;
        while (Current.Is("!") || (Current.Is("-") && !IsNegativeNumber()))
        {
            if (!Current.Is(tokens[first].Text))
            {
                throw Unexpected("an operand; put parentheses around what is negated");
            }

            _at++;
        }

        var count = _at - first;
        var operand = ParseMember();
        for (var i = count - 1; i >= 0; i--)
        {
            var sign = tokens[first + i];
            var negation = new UnarySyntax(sign.Text[0], operand, sign.Position, operand.End - sign.Position);
            operand = CheckDepth(Syntax.WithHeight(negation, operand));
        }

        return operand;
    }

    // A sign before a number is part of the number, because the smallest int has no positive counterpart.
    private bool IsNegativeNumber() =>
        Current.Is("-") && tokens[_at + 1].Kind is TokenKind.Int or TokenKind.Double;

    private Syntax ParseMember()
    {
        var operand = ParsePrimary();
        while (true)
        {
            if (Take("."))
            {
                operand = CheckDepth(ParseAfterDot(operand));
            }
            else if (Take("["))
            {
                var optional = Take("?");
                var index = ParseExpression();
                var close = Expect("]", "the end of the index");
                var node = new IndexSyntax(operand, index, optional, operand.Position, close.End - operand.Position);
                operand = CheckDepth(Syntax.WithHeight(node, operand, index));
            }
            else if (Current.Is("{"))
            {
                throw Fail(Current, "messages cannot be made here", "write a map: {'name': value}");
            }
            else
            {
                return operand;
            }
        }
    }

    private Syntax ParseAfterDot(Syntax operand)
    {
        var optional = Take("?");
        var name = Current;
        if (name.Kind is not (TokenKind.Identifier or TokenKind.QuotedIdentifier)
            || (name.Kind == TokenKind.Identifier && _keywords.Contains(name.Text)))
        {
            throw Fail(name, "a name must follow the dot", "write a field, or [\"...\"] for one that is not a plain name");
        }

        _at++;
        if (name.Kind == TokenKind.Identifier && !optional && Current.Is("("))
        {
            return ParseCall(operand, name);
        }

        return Syntax.WithHeight(new SelectSyntax(operand, name.Text, optional, operand.Position, name.End - operand.Position), operand);
    }

    private Syntax ParsePrimary()
    {
        var token = Current;
        _at++;
        switch (token.Kind)
        {
            case TokenKind.Int or TokenKind.Uint or TokenKind.Double:
                return ParseNumber(token, minus: null);
            case TokenKind.String:
                return new LiteralSyntax(CelValue.String(token.Text), token.Position, token.Length);
            case TokenKind.Bytes:
                return new LiteralSyntax(CelValue.Bytes(token.Bytes!), token.Position, token.Length);
            case TokenKind.Identifier:
                return ParseName(token, token.Position, fromRoot: false);
            case TokenKind.Symbol when token.Text == "-":
                _at++;
                return ParseNumber(tokens[_at - 1], token);
            case TokenKind.Symbol when token.Text == ".":
                if (Current.Kind != TokenKind.Identifier)
                {
                    throw Unexpected("a name after the dot");
                }

                _at++;
                return ParseName(tokens[_at - 1], token.Position, fromRoot: true);
            case TokenKind.Symbol when token.Text == "(":
                {
                    var inner = ParseExpression();
                    Expect(")", "the closing parenthesis");
                    return inner;
                }

            case TokenKind.Symbol when token.Text == "[":
                return ParseList(token);
            case TokenKind.Symbol when token.Text == "{":
                return ParseMap(token);
            default:
                _at--;
                throw Unexpected("a value");
        }
    }

    private static LiteralSyntax ParseNumber(Token token, Token? minus)
    {
        var position = minus?.Position ?? token.Position;
        var length = token.End - position;
        var text = minus is null ? token.Text : "-" + token.Text;
        switch (token.Kind)
        {
            case TokenKind.Uint:
                return new LiteralSyntax(CelValue.Uint(ulong.Parse(text, CultureInfo.InvariantCulture)), position, length);
            case TokenKind.Int when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole):
                return new LiteralSyntax(CelValue.Int(whole), position, length);
            case TokenKind.Double when double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture) is var value
                && double.IsFinite(value):
                return new LiteralSyntax(CelValue.Double(value), position, length);
            default:
                throw new ExpressionException(new ExpressionProblem(
                    position, length, "the number is out of range",
                    token.Kind == TokenKind.Double
                        ? "a double is below 1.8e308" : "an int has 64 bits; write a uint (1u) or a double (1.0)"));
        }
    }

    private Syntax ParseName(Token token, int position, bool fromRoot)
    {
        switch (token.Text)
        {
            case "true" or "false":
                return new LiteralSyntax(CelValue.Bool(token.Text == "true"), position, token.End - position);
            case "null":
                return new LiteralSyntax(CelValue.Null, position, token.End - position);
            case "in":
                throw Fail(token, "a value is expected, not 'in'", "write value in list");
        }

        if (Current.Is("("))
        {
            return CheckDepth(ParseCall(null, token));
        }

        if (_reserved.Contains(token.Text))
        {
            throw Fail(token, $"'{token.Text}' is a reserved word of the language",
                "use another name; as a field after a dot it is allowed");
        }

        if (Current.Kind == TokenKind.Identifier && !Current.IsWord("in"))
        {
            throw Fail(Current, $"an operator is missing before '{Current.Text}'", WordOperator(Current.Text) ?? WordOperator(token.Text)
                ?? "write an operator, or quote text");
        }

        return new NameSyntax(token.Text, fromRoot, position, token.End - position);
    }

    private static string? WordOperator(string word) => word.ToUpperInvariant() switch
    {
        "AND" => "write && for and",
        "OR" => "write || for or",
        "NOT" => "write ! for not",
        "IS" or "EQ" or "EQUALS" => "write == to compare",
        "MOD" => "write % for the remainder",
        _ => null,
    };

    private ListSyntax ParseList(Token open)
    {
        var items = ImmutableArray.CreateBuilder<(Syntax Item, bool Optional)>();

        // The grammar of CEL also allows a list of nothing but a comma: [,].
        while (!Current.Is("]") && !(items.Count == 0 && Take(",")))
        {
            var optional = Take("?");
            items.Add((ParseExpression(), optional));
            if (!Take(","))
            {
                break;
            }
        }

        var close = Expect("]", "',' or the end of the list");
        var node = new ListSyntax(items.ToImmutable(), open.Position, close.End - open.Position);
        return CheckDepth(Syntax.WithHeight(node, items.Select(item => item.Item).ToArray()));
    }

    private MapSyntax ParseMap(Token open)
    {
        var entries = ImmutableArray.CreateBuilder<(Syntax Key, Syntax Value, bool Optional)>();
        while (!Current.Is("}") && !(entries.Count == 0 && Take(",")))
        {
            var optional = Take("?");
            var key = ParseExpression();
            Expect(":", "':' and the value of the key");
            entries.Add((key, ParseExpression(), optional));
            if (!Take(","))
            {
                break;
            }
        }

        var close = Expect("}", "',' or the end of the map");
        var node = new MapSyntax(entries.ToImmutable(), open.Position, close.End - open.Position);
        return CheckDepth(Syntax.WithHeight(node, entries.SelectMany(entry => new[] { entry.Key, entry.Value }).ToArray()));
    }

    private Syntax ParseCall(Syntax? target, Token name)
    {
        if (ParseMacro(target, name) is { } macro)
        {
            return macro;
        }

        var start = target?.Position ?? name.Position;
        var qualified = name.Text;
        if (target is NameSyntax { FromRoot: false } prefix && Functions.IsNamespace(prefix.Name) && !_variables.Contains(prefix.Name))
        {
            qualified = prefix.Name + "." + name.Text;
            target = null;
        }

        Expect("(", "the arguments");
        var arguments = ImmutableArray.CreateBuilder<Syntax>();
        if (target is not null)
        {
            arguments.Add(target);
        }

        while (!Current.Is(")"))
        {
            arguments.Add(ParseExpression());
            if (!Take(","))
            {
                break;
            }
        }

        var close = Expect(")", "',' or the end of the arguments");
        var function = Functions.Find(qualified);
        if (checkFunctions)
        {
            CheckCall(function, qualified, name, target is not null, arguments.Count, close);
        }
        else if (function is not null && !function.Takes(arguments.Count, target is not null))
        {
            function = null;
        }

        if (function is not null)
        {
            CheckPattern(function, arguments);
        }

        var call = new CallSyntax(qualified, function, arguments.ToImmutable(), start, close.End - start);
        return Syntax.WithHeight(call, arguments.ToArray());
    }

    private static void CheckCall(Function? function, string qualified, Token name, bool isMember, int count, Token close)
    {
        if (function is null)
        {
            throw Fail(name, $"there is no function '{qualified}'", Spelling.Nearest(qualified, Functions.AllNames) is { } nearest
                ? $"did you mean '{nearest}'?" : "docs/expressions.md lists the functions");
        }

        if (!function.Takes(count, isMember))
        {
            var hasCallForm = isMember ? function.IsMember : function.IsGlobal;
            throw new ExpressionException(new ExpressionProblem(
                name.Position,
                close.End - name.Position,
                hasCallForm ? $"'{qualified}' does not accept {Plural.Format(isMember ? count - 1 : count, "argument")}"
                    : isMember ? $"'{qualified}' is not called on a value"
                    : $"'{qualified}' is called on a value",
                "write " + function.Usage));
        }
    }

    // A constant pattern is checked here, so that a problem is reported with its position.
    private static void CheckPattern(Function function, ImmutableArray<Syntax>.Builder arguments)
    {
        if (function.Name == "matches" && arguments[1] is LiteralSyntax { Value.Kind: CelKind.String } pattern
            && Pattern.Compile(pattern.Value.AsString(), out var problem) is null)
        {
            throw new ExpressionException(new ExpressionProblem(
                pattern.Position, pattern.Length, "the regular expression cannot be used: " + problem,
                "write it in the syntax of RE2: no look-around, no back-references"));
        }
    }

    private Syntax? ParseMacro(Syntax? target, Token name)
    {
        if (target is null)
        {
            return name.Text == "has" ? ParseHas(name) : null;
        }

        ComprehensionKind? kind = name.Text switch
        {
            "all" => ComprehensionKind.All,
            "exists" => ComprehensionKind.Exists,
            "exists_one" or "existsOne" => ComprehensionKind.ExistsOne,
            "map" => ComprehensionKind.Map,
            "filter" => ComprehensionKind.Filter,
            "optMap" => ComprehensionKind.OptMap,
            "optFlatMap" => ComprehensionKind.OptFlatMap,
            _ => null,
        };
        return kind is { } known ? ParseComprehension(target, name, known) : null;
    }

    private HasSyntax ParseHas(Token name)
    {
        Expect("(", "the field");
        var argument = Current;
        if (Current.Is(")") || ParseExpression() is not SelectSyntax { Optional: false } select)
        {
            throw Fail(argument, "has() takes a field", "write has(a.b)");
        }

        if (!Current.Is(")"))
        {
            throw Fail(Current, "has() takes one field", "write has(a.b)");
        }

        _at++;
        return CheckDepth(Syntax.WithHeight(new HasSyntax(select, name.Position, tokens[_at - 1].End - name.Position), select));
    }

    private ComprehensionSyntax ParseComprehension(Syntax range, Token name, ComprehensionKind kind)
    {
        var usage = kind == ComprehensionKind.Map
            ? "write list.map(item, value) or list.map(item, condition, value)"
            : kind == ComprehensionKind.OptMap ? "write optional.optMap(x, value)"
            : kind == ComprehensionKind.OptFlatMap ? "write optional.optFlatMap(x, optional)"
            : $"write list.{name.Text}(item, condition)";
        Expect("(", "the variable and the condition");
        var variable = Current;
        if (variable.Kind != TokenKind.Identifier || !tokens[_at + 1].Is(",") || _keywords.Contains(variable.Text)
            || _reserved.Contains(variable.Text))
        {
            throw Fail(variable, $"the first argument of '{name.Text}' is the name of its variable", usage);
        }

        _at += 2;
        _variables.Add(variable.Text);
        var first = ParseExpression();
        var second = Take(",") ? ParseExpression() : null;
        _variables.RemoveAt(_variables.Count - 1);
        if (!Current.Is(")") || (second is not null && kind != ComprehensionKind.Map))
        {
            throw Fail(Current, Current.Is(")") || Current.Is(",") ? $"'{name.Text}' has too many arguments"
                : "the arguments are not closed", usage);
        }

        var close = tokens[_at++];
        var hasBody = kind is ComprehensionKind.Map or ComprehensionKind.OptMap or ComprehensionKind.OptFlatMap;
        var (condition, body) = !hasBody ? (first, null) : second is null ? (null, first) : (first, second);
        var node = new ComprehensionSyntax(kind, range, variable.Text, condition, body, range.Position, close.End - range.Position);
        return Syntax.WithHeight(node, range, first, second);
    }

    private bool Take(string symbol)
    {
        if (!Current.Is(symbol))
        {
            return false;
        }

        _at++;
        return true;
    }

    private Token Expect(string symbol, string what) => Take(symbol) ? tokens[_at - 1] : throw Unexpected($"'{symbol}', {what}");

    private static T CheckDepth<T>(T node)
        where T : Syntax =>
        node.Height <= ExpressionLimits.Depth
            ? node
            : throw new ExpressionException(new ExpressionProblem(node.Position, node.Length, _tooDeepProblem, TooDeepRemedy));

    private static readonly string _tooDeepProblem = $"the expression is nested deeper than {ExpressionLimits.Depth} levels";

    private const string TooDeepRemedy = "split it: set fields of data step by step";

    private static ExpressionException TooDeep(Token token) => Fail(token, _tooDeepProblem, TooDeepRemedy);

    private ExpressionException Unexpected(string expected)
    {
        var found = Current.Kind switch
        {
            TokenKind.End => "the expression ends too early",
            TokenKind.String or TokenKind.Bytes => "unexpected string",
            _ => $"unexpected '{Current.Text}'",
        };
        return Fail(Current, found, (Current.Kind == TokenKind.Identifier ? WordOperator(Current.Text) : null) ?? $"expected {expected}");
    }

    private static ExpressionException Fail(Token token, string problem, string remedy) =>
        new(new ExpressionProblem(token.Position, Math.Max(token.Length, 1), problem, remedy));
}
