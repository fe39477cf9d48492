using System.Collections.Immutable;
using System.Globalization;
using Onex.Contracts.Expressions.Evaluation;
using Onex.Contracts.Expressions.Patterns;
using Onex.Contracts.Text;

namespace Onex.Contracts.Expressions.Parsing;

/// <summary>
/// Parses tokens to a syntax tree by recursive descent, expands macros, and resolves functions by name and number of arguments. An instance
/// parses one expression.
/// </summary>
internal sealed class Parser(List<Token> tokens, bool checkFunctions)
{
    private static readonly string[] _keywords = ["false", "in", "null", "true"];

    private static readonly string[] _reserved =
    [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return",
        "var",
        "void", "while",
    ];

    private static readonly string[][] _levels = [["==", "!=", "<", "<=", ">", ">=", "in"], ["+", "-"], ["*", "/", "%"]];

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

        var root = Expression();
        if (Current.Kind != TokenKind.End)
        {
            throw Unexpected("an operator or the end");
        }

        return root;
    }

    private Syntax Expression()
    {
        if (++_depth > ExpressionLimits.Depth)
        {
            throw TooDeep(Current);
        }

        var condition = Logic(isAnd: false);
        if (Take("?"))
        {
            var then = Logic(isAnd: false);
            Expect(":", "the other half of the conditional a ? b : c");
            var otherwise = Expression();
            condition = Checked(Syntax.Over(
                new ConditionalSyntax(condition, then, otherwise, condition.Position, otherwise.End - condition.Position), condition, then,
                otherwise));
        }

        _depth--;
        return condition;
    }

    private Syntax Logic(bool isAnd)
    {
        var first = isAnd ? Binary(0) : Logic(isAnd: true);
        var symbol = isAnd ? "&&" : "||";
        if (!Current.Is(symbol))
        {
            return first;
        }

        var operands = ImmutableArray.CreateBuilder<Syntax>();
        operands.Add(first);
        while (Take(symbol))
        {
            operands.Add(isAnd ? Binary(0) : Logic(isAnd: true));
        }

        var node = new LogicSyntax(isAnd, operands.ToImmutable(), first.Position, operands[^1].End - first.Position);
        return Checked(Syntax.Over(node, operands.ToArray()));
    }

    private Syntax Binary(int level)
    {
        if (level == _levels.Length)
        {
            return Unary();
        }

        var left = Binary(level + 1);
        while (Current.Kind is TokenKind.Symbol or TokenKind.Identifier && _levels[level].Contains(Current.Text))
        {
            var symbol = tokens[_at++].Text;
            var right = Binary(level + 1);
            left = Checked(Syntax.Over(new BinarySyntax(symbol, left, right, left.Position, right.End - left.Position), left, right));
        }

        return left;
    }

    private Syntax Unary()
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
        var operand = Member();
        for (var i = count - 1; i >= 0; i--)
        {
            var sign = tokens[first + i];
            operand = Checked(Syntax.Over(new UnarySyntax(sign.Text[0], operand, sign.Position, operand.End - sign.Position), operand));
        }

        return operand;
    }

    // A sign before a number is part of it, because the least int has no positive counterpart.
    private bool IsNegativeNumber() =>
        Current.Is("-") && tokens[_at + 1].Kind is TokenKind.Int or TokenKind.Double;

    private Syntax Member()
    {
        var operand = Primary();
        while (true)
        {
            if (Take("."))
            {
                operand = Checked(AfterDot(operand));
            }
            else if (Take("["))
            {
                var optional = Take("?");
                var index = Expression();
                var close = Expect("]", "the end of the index");
                operand = Checked(
                    Syntax.Over(new IndexSyntax(operand, index, optional, operand.Position, close.End - operand.Position), operand, index));
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

    private Syntax AfterDot(Syntax operand)
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
            return Call(operand, name);
        }

        return Syntax.Over(new SelectSyntax(operand, name.Text, optional, operand.Position, name.End - operand.Position), operand);
    }

    private Syntax Primary()
    {
        var token = Current;
        _at++;
        switch (token.Kind)
        {
            case TokenKind.Int or TokenKind.Uint or TokenKind.Double:
                return Number(token, minus: null);
            case TokenKind.String:
                return new LiteralSyntax(CelValue.String(token.Text), token.Position, token.Length);
            case TokenKind.Bytes:
                return new LiteralSyntax(CelValue.Bytes(token.Bytes!), token.Position, token.Length);
            case TokenKind.Identifier:
                return Name(token, token.Position, fromRoot: false);
            case TokenKind.Symbol when token.Text == "-":
                _at++;
                return Number(tokens[_at - 1], token);
            case TokenKind.Symbol when token.Text == ".":
                if (Current.Kind != TokenKind.Identifier)
                {
                    throw Unexpected("a name after the dot");
                }

                _at++;
                return Name(tokens[_at - 1], token.Position, fromRoot: true);
            case TokenKind.Symbol when token.Text == "(":
                {
                    var inner = Expression();
                    Expect(")", "the closing parenthesis");
                    return inner;
                }

            case TokenKind.Symbol when token.Text == "[":
                return List(token);
            case TokenKind.Symbol when token.Text == "{":
                return Map(token);
            default:
                _at--;
                throw Unexpected("a value");
        }
    }

    private static LiteralSyntax Number(Token token, Token? minus)
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
                    position, length, "the number is out of range", "an int has 64 bits; write a uint (1u) or a double (1.0)"));
        }
    }

    private Syntax Name(Token token, int position, bool fromRoot)
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
            return Checked(Call(null, token));
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

    private ListSyntax List(Token open)
    {
        var items = ImmutableArray.CreateBuilder<(Syntax Item, bool Optional)>();
        while (!Current.Is("]") && !(items.Count == 0 && Take(",")))
        {
            var optional = Take("?");
            items.Add((Expression(), optional));
            if (!Take(","))
            {
                break;
            }
        }

        var close = Expect("]", "',' or the end of the list");
        var node = new ListSyntax(items.ToImmutable(), open.Position, close.End - open.Position);
        return Checked(Syntax.Over(node, items.Select(item => item.Item).ToArray()));
    }

    private MapSyntax Map(Token open)
    {
        var entries = ImmutableArray.CreateBuilder<(Syntax Key, Syntax Value, bool Optional)>();
        while (!Current.Is("}") && !(entries.Count == 0 && Take(",")))
        {
            var optional = Take("?");
            var key = Expression();
            Expect(":", "':' and the value of the key");
            entries.Add((key, Expression(), optional));
            if (!Take(","))
            {
                break;
            }
        }

        var close = Expect("}", "',' or the end of the map");
        var node = new MapSyntax(entries.ToImmutable(), open.Position, close.End - open.Position);
        return Checked(Syntax.Over(node, entries.SelectMany(entry => new[] { entry.Key, entry.Value }).ToArray()));
    }

    private Syntax Call(Syntax? target, Token name)
    {
        if (Macro(target, name) is { } macro)
        {
            return macro;
        }

        var start = target?.Position ?? name.Position;
        var qualified = name.Text;
        if (target is NameSyntax { FromRoot: false } space && Functions.IsNamespace(space.Name) && !_variables.Contains(space.Name))
        {
            qualified = space.Name + "." + name.Text;
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
            arguments.Add(Expression());
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

        return Syntax.Over(new CallSyntax(qualified, function, arguments.ToImmutable(), start, close.End - start), arguments.ToArray());
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
            var problem = isMember ? function.Member : function.Global;
            throw new ExpressionException(new ExpressionProblem(
                name.Position,
                close.End - name.Position,
                problem ? $"'{qualified}' does not accept {Plural.Format(isMember ? count - 1 : count, "argument")}" : isMember
                    ? $"'{qualified}' is not called on a value" : $"'{qualified}' is called on a value",
                "write " + function.Usage));
        }
    }

    // A constant pattern is checked now and compiled once.
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

    private Syntax? Macro(Syntax? target, Token name)
    {
        if (target is null)
        {
            return name.Text == "has" ? Has(name) : null;
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
        return kind is { } known ? Comprehension(target, name, known) : null;
    }

    private HasSyntax Has(Token name)
    {
        Expect("(", "the field");
        var argument = Current;
        if (Current.Is(")") || Expression() is not SelectSyntax { Optional: false } select)
        {
            throw Fail(argument, "has() takes a field", "write has(a.b)");
        }

        if (!Current.Is(")"))
        {
            throw Fail(Current, "has() takes one field", "write has(a.b)");
        }

        _at++;
        return Checked(Syntax.Over(new HasSyntax(select, name.Position, tokens[_at - 1].End - name.Position), select));
    }

    private ComprehensionSyntax Comprehension(Syntax range, Token name, ComprehensionKind kind)
    {
        var usage = kind == ComprehensionKind.Map
            ? "write list.map(item, value) or list.map(item, condition, value)"
            : kind is ComprehensionKind.OptMap or ComprehensionKind.OptFlatMap ? $"write optional.{name.Text}(value, other)"
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
        var first = Expression();
        var second = Take(",") ? Expression() : null;
        _variables.RemoveAt(_variables.Count - 1);
        if (!Current.Is(")") || (second is not null && kind != ComprehensionKind.Map))
        {
            throw Fail(Current, Current.Is(")") || Current.Is(",") ? $"'{name.Text}' has too many arguments"
                : "the arguments are not closed", usage);
        }

        var close = tokens[_at++];
        var makes = kind is ComprehensionKind.Map or ComprehensionKind.OptMap or ComprehensionKind.OptFlatMap;
        var (condition, body) = !makes ? (first, null) : second is null ? (null, first) : (first, second);
        var node = new ComprehensionSyntax(kind, range, variable.Text, condition, body, range.Position, close.End - range.Position);
        return Syntax.Over(node, range, first, second);
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

    private static T Checked<T>(T node)
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
